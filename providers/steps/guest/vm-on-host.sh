# A VM on the host that this runs on. $1 the step, $2 its UUID, $3 whose it is, $4 the seconds that it has to shut down.
step=$1 uuid=$2 owner=$3 limit=${4:-0}
export LC_ALL=C
command -v virsh >/dev/null || fail "there is no virsh on this host; install it (Debian: libvirt-clients)"
# ask COMMAND…: of libvirt on this host.
ask() { virsh --quiet --connect qemu:///system "$@"; }

known=$(ask list --all --uuid) ||
  fail "libvirt on this host cannot be reached, and nobody else knows whether the VM still runs, so it is kept." \
    "Start libvirt there; if the host never will run again, say so at its board in the site file (lost: WHY)"
if ! echo "$known" | grep -qx "$uuid"; then
  echo absent
  exit 0
fi
[ "$(ask desc "$uuid")" = "$owner" ] ||
  fail "the VM with UUID $uuid is not of $owner: libvirt describes it as $(ask desc "$uuid")"
case $step in
look) echo there ;;
remove)
  is_off() { [ "$(ask domstate "$uuid")" = 'shut off' ]; }
  end=$(($(date +%s) + limit)) pressed=0
  # Who has just begun to boot does not hear the power button, so it is pressed again.
  until is_off || [ "$(date +%s)" -ge "$end" ]; do
    if [ $(($(date +%s) - pressed)) -ge 10 ]; then
      pressed=$(date +%s)
      ask shutdown "$uuid" --mode acpi >/dev/null 2>&1 || is_off || fail "VM $uuid cannot be told to shut down"
    fi
    sleep 0.3
  done
  is_off || ask destroy "$uuid" >/dev/null || is_off || fail "VM $uuid cannot be turned off"
  ask undefine "$uuid" --nvram --managed-save --snapshots-metadata --checkpoints-metadata >/dev/null
  echo removed
  ;;
esac
