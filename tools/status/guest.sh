# What this guest runs, and of one that leads a cluster what that says of its nodes. $1: slurm, k3s, or empty on other
# guests. After k3s-api.sh of the steps.
head -c 100 /proc/uptime
echo "name $(uname -n)"
read -r image _ </etc/bramble-image
echo "image $image"
# As the gate of `up` has it: an empty list of errors is written on one line.
if ! systemctl is-active --quiet cloud-init-network.service; then
  echo "problem its first boot is not finished (see /var/log/cloud-init.log there)"
elif grep -q '"errors": \[$' /run/cloud-init/status.json; then
  echo "problem cloud-init reported errors (see /run/cloud-init/status.json there)"
fi
# As kubectl words it.
ready='.items[] | .metadata.name + " " +
  (if any(.status.conditions[]; .type == "Ready" and .status == "True") then "Ready" else "NotReady" end) +
  (if .spec.unschedulable then ",SchedulingDisabled" else "" end)'
case $1 in
slurm) nodes=$(timeout 8 sinfo --noheader --Node --format '%N %T' 2>&1) ;;
k3s)
  if nodes=$(api /api/v1/nodes --max-time 8 2>&1); then nodes=$(printf '%s\n' "$nodes" | jq --raw-output "$ready" 2>&1); else false; fi
  ;;
*) exit 0 ;;
esac
if [ $? -eq 0 ]; then
  echo cluster
  printf '%s\n' "$nodes" | awk 'NF > 1 { print "node", $1, $2 }'
else
  printf 'silent %s\n' "$nodes" | head -n 1
fi
