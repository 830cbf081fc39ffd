# VMs of this host. $1 what is to be done with those that are named after it: look, stop or start. Prints of each that
# libvirt knows its name and state, as they were before.
step=$1
shift
ask() { LC_ALL=C timeout 30 virsh -q -c qemu:///system "$@"; }
all=$(ask list --all) || exit 1
for name; do
  state=$(printf '%s\n' "$all" | awk -v name="$name" '$2 == name { sub(/^ *[^ ]+ +[^ ]+ +/, ""); sub(/ +$/, ""); print }')
  [ -n "$state" ] || continue
  case $step:$state in
  stop:running) ask shutdown "$name" >/dev/null ;;
  start:"shut off") ask start "$name" >/dev/null ;;
  esac
  echo "$name $state"
done
