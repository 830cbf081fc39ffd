# How the service fares, as JSON. $1 k3s or k3s-agent, $2 yes: with what it last complained of, whether it has ended for
# that or not. The journal takes a second to read without KVM.
seen=$(systemctl show --property ActiveState,NRestarts "$1") last=
case $2$seen in
no*NRestarts=0*) ;;
*) last=$(journalctl --unit "$1" --lines 200 --output cat --no-pager | grep -E 'level=(fatal|error)' | tail -n 1 | sed 's/.*msg=//') ;;
esac
echo "$seen" | jq -cRn --arg last "$last" \
  --argjson network "$(if [ -e /run/flannel/subnet.env ]; then echo true; else echo false; fi)" \
  '[inputs / "=" | {key: .[0], value: .[1]}] | from_entries
  | {state: .ActiveState, restarts: (.NRestarts | tonumber), $last, $network}'
