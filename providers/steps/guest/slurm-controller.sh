# Makes this guest the controller of a Slurm cluster, or brings it up to date; nothing restarts that did not change.
data=/srv/data disk=/dev/disk/by-id/virtio-data

if [ ! -e "$disk" ]; then
  echo "the data disk is missing" >&2
  exit 1
fi
# 2 is blkid's word for "nothing there"; whatever has a signature is never formatted.
signature=0
blkid -p "$disk" >/dev/null 2>&1 || signature=$?
if [ "$signature" = 2 ]; then mkfs.ext4 -q -L data -E lazy_itable_init=1,lazy_journal_init=1 "$disk"; fi
systemctl daemon-reload
systemctl start srv-data.mount
install -d -m 0755 "$data/home"
install -d -m 0700 -o slurm -g slurm "$data/slurm"
systemctl start home.mount
