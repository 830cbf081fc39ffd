# One step of a node's leaving, at a server. $1 the node, $2 the step, $3 and $4 for `drain`: how long in seconds, more options.
node=$1 step=$2
export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
case $step in
cordon) kubectl cordon "$node" >/dev/null ;;
uncordon) kubectl uncordon "$node" >/dev/null ;;
drain)
  # Pods of a node that is down never say that they have ended: those are waited for only this long.
  if said=$(kubectl drain "$node" --ignore-daemonsets --delete-emptydir-data --timeout "$3s" $4 2>&1); then
    echo drained
  else
    # What is left, but for pods that belong to the node.
    api "/api/v1/pods?fieldSelector=spec.nodeName%3D$node" | jq -r '.items[]
      | select(any(.metadata.ownerReferences[]?; .kind == "DaemonSet" or .kind == "Node") | not)
      | select(.status.phase == "Running" or .status.phase == "Pending")
      | "  pod \(.metadata.namespace)/\(.metadata.name)"'
    echo "$said" | grep -iE 'disruption budget|cannot delete|error' | sort -u | tail -n 5 | sed 's/^/  /'
  fi
  ;;
unmember)
  # The member goes while it still runs: two that are left are a quorum only of two.
  api "/api/v1/nodes/$node" --request PATCH --header 'Content-Type: application/merge-patch+json' \
    --data-binary '{"metadata":{"annotations":{"etcd.k3s.cattle.io/remove":"true"}}}' >/dev/null
  ;;
delete)
  # What is gone already is gone.
  kubectl delete node "$node" --ignore-not-found >/dev/null
  ;;
esac
