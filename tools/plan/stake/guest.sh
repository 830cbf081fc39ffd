# What runs on nodes of the cluster that this guest leads. $1: slurm or k3s; then the nodes. After k3s-api.sh of the
# steps, and after $mark is set: it begins each line that is ours, and who gives a job a name of several lines does not
# know it. So it is in no command line either.
kind=$1
shift
export mark
silent() { printf '%s silent %s\n' "$mark" "$(printf '%s\n' "$1" | head -n 1)"; }
# Pods that end with their node, or have ended, are not counted, as for a drain.
pods='.items[]
  | select(any(.metadata.ownerReferences[]?; .kind == "DaemonSet" or .kind == "Node") | not)
  | select(.status.phase == "Running" or .status.phase == "Pending")
  | env.mark + " pod " + ({namespace: .metadata.namespace, name: .metadata.name, phase: .status.phase,
      labels: (.metadata.labels // {}), bare: (any(.metadata.ownerReferences[]?; .controller) | not)} | tojson)'
budgets='.items[] | env.mark + " budget " + ({namespace: .metadata.namespace, name: .metadata.name,
  selector: .spec.selector, allowed: (.status.disruptionsAllowed // 0)} | tojson)'
# ask PATH FILTER: what the API answers, filtered; what went wrong otherwise.
ask() {
  if answer=$(api "$1" --max-time 8 2>&1); then printf '%s\n' "$answer" | jq --raw-output "$2" 2>&1; else
    printf '%s\n' "$answer"
    return 1
  fi
}
case $kind in
slurm)
  for node; do
    if jobs=$(SQUEUE_FORMAT="$mark job %i %u %T %L %j" timeout 8 squeue --noheader --nodelist "$node" --states R,CF,CG,S 2>&1); then
      printf '%s node %s\n%s\n' "$mark" "$node" "$jobs"
    else
      silent "$jobs"
    fi
  done
  ;;
k3s)
  if said=$(ask /apis/policy/v1/poddisruptionbudgets "$budgets"); then printf '%s\n' "$said"; else
    silent "$said"
    exit 0
  fi
  for node; do
    if said=$(ask "/api/v1/pods?fieldSelector=spec.nodeName%3D$node" "$pods"); then
      printf '%s node %s\n%s\n' "$mark" "$node" "$said"
    else
      silent "$said"
    fi
  done
  ;;
esac
