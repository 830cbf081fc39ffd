#!/bin/bash
# First process of a private machine (private-machine.ts): makes the folders that libvirt and sshd work in its own, then
# lives for as long as its standard input is open. When it ends, the kernel ends everything that runs in the machine.
#   $1  host name
#   $2  an empty folder on disk, for what the machine writes
#   $3  mode of the machine's own /dev/kvm, where the real one exists
set -euo pipefail
name=$1 disk=$2 kvm_mode=$3

hostname "$name"
mount -t proc proc /proc
# Without cgroups: libvirt names a VM's group by number and name, and another libvirt on this kernel may run the same.
umount --recursive --lazy /sys/fs/cgroup 2>/dev/null || true
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/sshd

# The machine's libvirt has its settings from the real one, but none of its VMs, networks and pools.
cp -a /etc/libvirt "$disk/etc"
for folder in qemu storage; do
  if [ -d "$disk/etc/$folder" ]; then find "$disk/etc/$folder" -type f,l -delete; fi
done
mount --bind "$disk/etc" /etc/libvirt

for folder in lib cache log; do
  mkdir "$disk/$folder"
  # Only the folders of a fresh installation, with their owners and modes.
  find "/var/$folder/libvirt" -mindepth 1 -maxdepth 2 -type d -not -name 'domain-*' -printf '%P\0' |
    tar --create --null --no-recursion --directory "/var/$folder/libvirt" --files-from - |
    tar --extract --preserve-permissions --same-owner --directory "$disk/$folder"
  chown --reference "/var/$folder/libvirt" "$disk/$folder"
  chmod --reference "/var/$folder/libvirt" "$disk/$folder"
  mount --bind "$disk/$folder" "/var/$folder/libvirt"
done

# Its name is known to itself, and questions for others fail at once: there is no resolver to wait for.
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >/run/hosts
mount --bind /run/hosts /etc/hosts
printf 'options timeout:1 attempts:1\n' >/run/resolv.conf
# A link into /run, as systemd-resolved makes it, leads nowhere by now.
if [ -e /etc/resolv.conf ]; then mount --bind /run/resolv.conf /etc/resolv.conf; fi

if [ -e /dev/kvm ]; then
  mknod -m "$kvm_mode" /run/kvm c "0x$(stat -c %t /dev/kvm)" "0x$(stat -c %T /dev/kvm)"
  [ "$kvm_mode" = 600 ] || chgrp kvm /run/kvm
  mount --bind /run/kvm /dev/kvm
fi

ip link set lo up
echo ready
# Bash takes in the orphans of the machine while it waits.
read -r _ || true
kill -KILL -1 2>/dev/null || true
rm -rf "$disk"
