# Puts the server's data disk in its place; what is on it is kept, and belongs to the node of this name.
data=/var/lib/rancher/k3s disk=/dev/disk/by-id/virtio-data
[ -e "$disk" ] || fail "the data disk is missing"
# 2 is blkid's word for "nothing there"; whatever has a signature is never formatted.
signature=0
blkid -p "$disk" >/dev/null 2>&1 || signature=$?
if [ "$signature" = 2 ]; then mkfs.ext4 -q -L data -E lazy_itable_init=1,lazy_journal_init=1 "$disk"; fi
systemctl daemon-reload
systemctl enable --now --quiet var-lib-rancher-k3s.mount
mountpoint -q "$data" || fail "the data disk is not mounted at $data"
# The password by which a node proves that it is the one of this name: a VM that is made anew comes with its disk.
install -d -m 0700 "$data/node" /etc/rancher
[ -e /etc/rancher/node ] || ln -s "$data/node" /etc/rancher/node
