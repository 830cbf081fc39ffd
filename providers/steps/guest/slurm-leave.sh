# One step of a worker's leaving, at the controller. $1 the worker, $2 the step.
worker=$1 step=$2
if ! scontrol ping | grep -q 'is UP'; then
  echo "slurmctld does not answer, so nobody knows whether $worker runs jobs" >&2
  exit 1
fi
# Not known: it has left before.
scontrol show node "$worker" >/dev/null 2>&1 || exit 0
case $step in
drain) scontrol update nodename="$worker" state=drain reason="Bramble: leaves the cluster" ;;
jobs) squeue --noheader --nodelist "$worker" --states R,CF,CG,S --format '  job %i, %j of %u, %T since %S' ;;
lost) scontrol update nodename="$worker" state=down reason="Bramble: its host is lost" ;;
resume) scontrol update nodename="$worker" state=resume ;;
forget) scontrol delete nodename="$worker" ;;
esac
