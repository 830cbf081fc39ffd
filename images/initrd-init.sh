#!/bin/sh
# The whole initial RAM disk's work: the root is always the first virtio disk, ext4 is built into the kernel.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
for module in /modules/*.ko; do
  insmod "$module"
done
tries=0
until [ -b /dev/vda ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 100 ]; then
    echo "bramble initrd: no disk /dev/vda appeared" >/dev/console
    exit 1
  fi
  sleep 0.1
done
mount -t ext4 -o rw,noatime /dev/vda /root
umount /proc
mount -o move /dev /root/dev
exec run-init /root /sbin/init "$@" </root/dev/console >/root/dev/console 2>&1
