# Makes this machine serve a storage, or brings it up to date. $5 where its drive is mounted, or - for a machine with a
# system on a disk of its own.
drive=$5

holder=$path
until [ -d "$holder" ]; do holder=$(dirname "$holder"); done
mount_of() { df -P "$1" | awk 'NR == 2 { print $6 }'; }
case $(stat -f -c %T "$holder") in tmpfs | ramfs | rootfs | overlay*)
  fail "$path would be in memory, which is empty after a reboot: give the board a \`drive\` in the site file"
  ;;
esac
if [ "$drive" != - ] && [ "$(mount_of "$holder")" != "$drive" ]; then
  fail "the board's drive is not mounted at $drive: is it plugged in, and does its name in the site file (drive) exist in /dev/disk/by-id?"
fi
if [ -e "$path/.bramble-storage" ]; then
  found=$(cat "$path/.bramble-storage")
  [ "$found" = "$marker" ] ||
    fail "$path belongs to another storage: its .bramble-storage says $found, not $marker. Choose another path in the site file, or, if nobody needs what is in it, remove it"
elif [ -d "$path" ] && ls -A "$path" | grep -qv '^lost+found$'; then
  fail "$path is not empty and not a storage of this project: it may hold somebody's files, so it is left alone. Choose another path in the site file, or empty it"
fi

if [ -d /run/systemd/system ]; then
  init=systemd
elif [ -e /run/openrc/softlevel ]; then
  init=openrc
else
  fail "neither systemd nor OpenRC runs here, so nothing would start the NFS server after a reboot"
fi

# get COMMAND…: runs a package manager, which has nothing to ask and speaks only when it fails.
get() {
  if said=$("$@" </dev/null 2>&1); then return 0; fi
  said=$(echo "$said" | tail -n 8)
  return 1
}
if ! command -v exportfs >/dev/null; then
  if command -v apt-get >/dev/null; then
    install="apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install nfs-kernel-server"
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
    get $install || { get apt-get -q update && get $install; } || fail "apt-get could not install nfs-kernel-server: $said"
  elif command -v apk >/dev/null; then
    get apk add nfs-utils || fail "apk could not install nfs-utils: $said"
  else
    fail "there is neither apt-get nor apk here: install an NFS server by hand and run \`up\` again"
  fi
fi

# The marker first: what follows is made again by the next run, if this one ends here.
mkdir -p "$path"
put 0644 root:root "$path/.bramble-storage" <<END
$(echo "$marker" | base64)
END
# Nobody but root and what knows a name finds anything in them.
for folder in data hosts; do [ -d "$path/$folder" ] || mkdir -m 0711 "$path/$folder"; done
mkdir -p /etc/exports.d
[ -e "$exports" ] || : >"$exports"

case $init in
systemd) systemctl enable --now --quiet nfs-server ;;
openrc)
  service=nfs
  if [ -e /etc/init.d/bramble-nfsd ]; then service=bramble-nfsd; fi
  rc-update --quiet add "$service" default
  rc-service --quiet --ifstopped "$service" start
  ;;
esac </dev/null >&2
grep -q '+4\.2' /proc/fs/nfsd/versions || fail "NFS version 4.2 is off on this machine: allow it in /etc/nfs.conf (nfs.conf(5), section nfsd)"
export_all

# Another entry for the same files, such as one for the whole network, would let everybody at the disks of the VMs, and
# a host that is lost too.
others=$(awk -F '[\t(]' -v path="$path" -v own="$exports" '
  BEGIN { while ((getline line < own) > 0) { split(line, word, /[ (]/); ours[word[1] " " word[2]] = 1 } }
  ($1 == path || index($1 "/", path "/") == 1 || index(path "/", $1 "/") == 1) && !(($1 " " $2) in ours) { print "  " $1 " to " $2 }
' /var/lib/nfs/etab)
[ -z "$others" ] || fail "this machine exports the same files also by entries that are not this project's:
$others
Take them out of /etc/exports and /etc/exports.d, or choose another path for the storage in the site file"
