# Unmounts a storage from a host, and forgets it. $1 where.
folder=$1
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
mounts=/etc/bramble/mounts
is_mounted() { awk -v folder="$folder" '$2 == folder { found = 1 } END { exit !found }' /proc/mounts; }
if is_mounted && ! said=$(umount "$folder" 2>&1); then
  echo "$folder can't be unmounted: $said. See who uses it with \`fuser -vm $folder\`" >&2
  exit 1
fi
# without_line FILE WORD
without_line() {
  if [ ! -e "$1" ]; then return; fi
  awk -v at="$2" -v folder="$folder" '$at != folder' "$1" >"$1.new"
  if cmp -s "$1" "$1.new"; then rm "$1.new"; else chmod 0644 "$1.new" && mv "$1.new" "$1"; fi
}
without_line /etc/fstab 2
without_line "$mounts" 3
if [ -e "$mounts" ] && [ ! -s "$mounts" ]; then
  rm -f "$mounts" /etc/libvirt/hooks/qemu.d/bramble
  rmdir /etc/libvirt/hooks/qemu.d /etc/bramble 2>/dev/null || true
fi
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
chattr -i "$folder" 2>/dev/null || true
rmdir "$folder" 2>/dev/null || true
sync
