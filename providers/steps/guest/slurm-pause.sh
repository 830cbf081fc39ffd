# Holds workers of Slurm back while their host restarts, at the controller. $1 the step, $2 the worker.
step=$1 worker=${2:-}
reason="Bramble: its host restarts"
if ! scontrol ping | grep -q 'is UP'; then fail "slurmctld does not answer"; fi
case $step in
look)
  # Of each node whether it responds, and by whom it is held back.
  sinfo --noheader --Node --format '%N %T %E' | sort -u | while read -r name state why; do
    responds=yes by=nobody
    case $state in *'*' | down* | unknown* | fail*) responds=no ;; esac
    # A reason stays with a node that was freed while jobs ran on it.
    case $state:$why in
    drain*:"$reason"* | down*:"$reason"*) by=us ;;
    drain*) by=others ;;
    esac
    echo "$name $responds $by"
  done
  ;;
hold) scontrol update nodename="$worker" state=drain reason="$reason" ;;
left) squeue --noheader --nodelist "$worker" --states R,CF,CG,S --format '  job %i, %j of %u, %T since %S' ;;
free) scontrol update nodename="$worker" state=resume ;;
esac
