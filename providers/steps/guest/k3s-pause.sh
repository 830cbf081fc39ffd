# Holds nodes of k3s back while their host restarts, at a server. $1 the step, $2 the node. A note tells them from those that
# somebody else has cordoned.
step=$1 node=${2:-}
patch() {
  api "/api/v1/nodes/$node" --request PATCH --header 'Content-Type: application/merge-patch+json' --data-binary "$1" >/dev/null
}
case $step in
look)
  # Of each node whether it responds, and by whom it is held back.
  api /api/v1/nodes | jq -r '.items[]
    | (if any(.status.conditions[]?; .type == "Ready" and .status == "True") then "yes" else "no" end) as $responds
    | (if .spec.unschedulable | not then "nobody" elif .metadata.annotations["bramble/restarts"] then "us" else "others" end) as $by
    | "\(.metadata.name) \($responds) \($by)"'
  ;;
hold) patch '{"metadata":{"annotations":{"bramble/restarts":"yes"}},"spec":{"unschedulable":true}}' ;;
free) patch '{"metadata":{"annotations":{"bramble/restarts":null}},"spec":{"unschedulable":null}}' ;;
esac
