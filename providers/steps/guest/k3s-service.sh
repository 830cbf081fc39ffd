# How the service fares, as JSON. $1 k3s or k3s-agent.
jq -cn --arg state "$(systemctl is-active "$1" || true)" \
  --arg restarts "$(systemctl show --property NRestarts --value "$1")" \
  --arg last "$(journalctl --unit "$1" --lines 200 --output cat --no-pager | grep -E 'level=(fatal|error)' | tail -n 1 | sed 's/.*msg=//')" \
  --argjson network "$(if [ -e /run/flannel/subnet.env ]; then echo true; else echo false; fi)" \
  '{$state, restarts: ($restarts | tonumber), $last, $network}'
