# Mounts a storage on a host, now and at each boot, and lets libvirt start no VM on it while it is not there. $1 SERVER:PATH,
# $2 where, $3 options, $4 the word in its marker file, $5 the host's name, $6 whether Bramble looks after the server.
source=$1 folder=$2 options=$3 marker=$4 host=$5 ours=$6
mounts=/etc/bramble/mounts
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[ "$(id -u)" = 0 ] || fail "it takes root to mount a storage: log in as root (user: root)"
if [ -d /run/systemd/system ]; then
  init=systemd
elif [ -e /run/openrc/softlevel ]; then
  init=openrc
else
  init=none
fi
is_mounted() { awk -v folder="$folder" '$2 == folder { found = 1 } END { exit !found }' /proc/mounts; }

# with_line FILE WORD: FILE without the line that has the folder as this word, and with the line of standard input.
with_line() {
  mkdir -p "$(dirname "$1")"
  [ -e "$1" ] || : >"$1"
  { awk -v at="$2" -v folder="$folder" '$at != folder' "$1" && cat; } >"$1.new"
  if cmp -s "$1" "$1.new"; then
    rm "$1.new"
  else
    chmod 0644 "$1.new"
    mv "$1.new" "$1"
  fi
}

echo "nfs4 $source $folder $options $marker" | with_line "$mounts" 3
mounted=already
if ! is_mounted; then
  if ! command -v mount.nfs4 >/dev/null; then
    if command -v apt-get >/dev/null; then
      install="apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install nfs-common"
      export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
      said=$($install </dev/null 2>&1) || said=$({ apt-get -q update && $install; } </dev/null 2>&1) ||
        fail "apt-get could not install nfs-common: $(echo "$said" | tail -n 8)"
    elif command -v apk >/dev/null; then
      said=$(apk add nfs-utils </dev/null 2>&1) || fail "apk could not install nfs-utils: $said"
    else
      fail "mount.nfs4 is missing, and there is neither apt-get nor apk here: install an NFS client and run \`up\` again"
    fi
  fi
  mkdir -p "$folder"
  # While nothing is mounted there, nobody makes files in its place. Not all file systems can say so.
  chattr +i "$folder" 2>/dev/null || true
  # At boot it is tried until the server is there, and libvirt waits for that: else it would try to start VMs in vain,
  # and never again.
  boot=_netdev,nofail,bg
  if [ "$init" = systemd ]; then boot=$boot,x-systemd.before=libvirtd.service,x-systemd.before=virtqemud.service; fi
  echo "$source $folder nfs4 $options,$boot 0 0" | with_line /etc/fstab 2
  case $init in
  systemd) systemctl daemon-reload ;;
  openrc) rc-update --quiet add netmount default ;;
  esac
  said=$(timeout 90 mount -t nfs4 -o "$options" "$source" "$folder" 2>&1) ||
    fail "$source can't be mounted at $folder: ${said:-no answer within 90 s}"
  mounted=now
fi

# wrong TEXT: another storage than it should be is not left mounted by us.
wrong() {
  if [ "$mounted" = now ]; then umount "$folder" || true; fi
  fail "$folder $*, so no VM is started on it"
}
code=0
found=$(timeout -s KILL 20 cat "$folder/.bramble-storage" 2>/dev/null) || code=$?
if [ "$code" = 137 ]; then fail "$source does not answer: look at the server and the way to it"; fi
if [ "$code" != 0 ] && [ "$ours" = no ] && ! ls -A "$folder" | grep -qv '^lost+found$'; then
  # An empty folder of somebody's NAS, at the first time.
  echo "$marker" >"$folder/.bramble-storage" || wrong "can't be written to by root of this host: the NAS must export it with no_root_squash"
  found=$marker code=0
fi
if [ "$code" != 0 ]; then wrong "is not the storage that it should be: it has no .bramble-storage, and is not an empty one"; fi
if [ "$found" != "$marker" ]; then wrong "is another storage than it should be: its .bramble-storage says $found, not $marker"; fi
for name in data hosts "hosts/$host"; do [ -d "$folder/$name" ] || mkdir -m 0711 "$folder/$name"; done

# libvirt looks for hooks when it starts and not later (https://libvirt.org/hooks.html), and restarting it leaves VMs
# alone. Noted is the process that is known to have seen this one.
seen=/run/bramble-hook-seen
for daemon in libvirtd virtqemud; do
  process=$(cat "/run/$daemon.pid" 2>/dev/null) && [ -e "/proc/$process" ] || continue
  if [ "$(cat "$seen" 2>/dev/null)" = "$process" ]; then continue; fi
  case $init in
  systemd) systemctl restart "$daemon" ;;
  openrc) rc-service --quiet "$daemon" restart ;;
  none)
    kill "$process"
    has_ended() { [ ! -e "/proc/$process/cmdline" ] || [ -z "$(tr -d '\0' <"/proc/$process/cmdline")" ]; }
    until_true 30 "the end of $daemon ($process)" has_ended
    "$daemon" --daemon
    ;;
  esac </dev/null >/dev/null
  until_true 90 "the restart of $daemon" virsh -c qemu:///system uri
  cat "/run/$daemon.pid" >"$seen"
done
sync
echo "$source is mounted at $folder"
