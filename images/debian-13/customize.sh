#!/bin/sh
# Runs inside the new root, with no mounts and no network. Sets up services; files/ is already in place. What is of one
# recipe alone is in its recipe.sh.
set -eu

systemctl --quiet enable systemd-networkd ssh chrony bramble-grow-root serial-getty@ttyS0
systemctl --quiet disable nfs-client.target rpcbind.service rpcbind.socket nfs-blkmap getty@tty1 e2scrub_reap \
  cloud-init-hotplugd.socket sshd-keygen systemd-pstore systemd-network-generator
. /recipe.sh

# Timers and mounts that a guest that is replaced and not maintained has no use for.
systemctl --quiet mask apt-daily.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount \
  dev-hugepages.mount \
  systemd-journal-catalog-update.service systemd-hwdb-update.service systemd-update-done.service ldconfig.service \
  systemd-firstboot.service systemd-sysusers.service systemd-machine-id-commit.service \
  systemd-udev-load-credentials.service systemd-networkd-persistent-storage.service \
  systemd-journal-flush.service systemd-hibernate-clear.service systemd-random-seed.service \
  systemd-pcrextend.socket systemd-pcrlock.socket systemd-sysext.socket systemd-creds.socket \
  systemd-ask-password-console.path systemd-ask-password-wall.path systemd-tmpfiles-clean.timer

# cloud-init always runs, and what the other generators look for is not in these guests. cloud-init's asks a slow
# shell script whether there is a seed.
mkdir -p /etc/systemd/system-generators
for generator in cloud-init-generator nfs-server-generator rpc-pipefs-generator systemd-gpt-auto-generator \
  systemd-hibernate-resume-generator systemd-rc-local-generator systemd-ssh-generator \
  systemd-system-update-generator systemd-sysv-generator systemd-tpm2-generator systemd-debug-generator \
  systemd-getty-generator systemd-run-generator; do
  ln -s /dev/null "/etc/systemd/system-generators/$generator"
done
systemctl --quiet add-wants multi-user.target cloud-init.target
# The seed is on a disk, so its second stage need not wait for a network; an After= can only be taken out of a copy.
sed '/^After=systemd-networkd-wait-online.service$/d' /usr/lib/systemd/system/cloud-init-network.service \
  > /etc/systemd/system/cloud-init-network.service

# Without these scripts `systemctl enable` need not run update-rc.d, a slow Perl program, for each service.
rm -rf /etc/init.d/* /etc/rc?.d/*

passwd --quiet --lock root
rm -rf /etc/update-motd.d/* /etc/motd
sed -i '/pam_motd\|pam_mail/d' /etc/pam.d/sshd /etc/pam.d/login

# Python that no guest runs. Without jsonschema, cloud-init leaves out checking its settings against a schema, which
# costs it seconds where there is no KVM.
rm -rf /usr/lib/python3.13/test /usr/lib/python3.13/pydoc_data /usr/lib/python3.13/idlelib \
  /usr/lib/python3/dist-packages/jsonschema

# Byte code that is trusted as it is: no look at its source, the same bytes at each build.
python3 -m compileall -q -f -j 0 --invalidation-mode unchecked-hash /usr/lib/python3 /usr/lib/python3.13

# Nothing of one machine in the image: keys, ids and seeds are made or brought at the first boot.
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /var/lib/systemd/random-seed
: > /etc/machine-id
printf '%s %s\n' "$BRAMBLE_IMAGE" "$BRAMBLE_IMAGE_HASH" > /etc/bramble-image

# Nothing of this build either: logs, caches, old copies of files, the settings of the tools that made it.
find /var/log -type f -delete
rm -rf /var/log/journal /var/cache/* /etc/dpkg/dpkg.cfg.d/99mmdebstrap
find /etc/apt -type f ! -name 00mmdebstrap -delete # that one mmdebstrap removes itself
rm -f /var/lib/dpkg/*-old /etc/*- /etc/.pwd.lock /var/lib/systemd/catalog/database

# For the builder, which takes /boot away: the list of packages, the kernel, and the makings of the initial RAM disk:
# what a guest needs to see its disks and its network card, as far as this kernel has it as modules. The numbers are
# the order of loading.
cp /var/lib/dpkg/status /boot/status
cp /boot/vmlinuz-* /boot/kernel
mkdir /boot/klibc /boot/modules
cp -r /usr/lib/klibc/bin /usr/lib/klibc-*.so /boot/klibc/
python3 - <<'EOF'
import glob, lzma, os

[root] = glob.glob("/usr/lib/modules/*")
needs = {}
for line in open(f"{root}/modules.dep"):
    path, others = line.rstrip("\n").split(":")
    needs[path] = others.split()
by_name = {os.path.basename(path).split(".")[0]: path for path in needs}
order = []

def add(path):
    for other in needs[path]:
        add(other)
    if path not in order:
        order.append(path)

# crc32c_generic is asked for by ext4 by name, so that modules.dep does not know.
for name in ["virtio_pci", "virtio_blk", "crc32c_generic", "ext4", "virtio_net", "isofs"]:
    if name in by_name:
        add(by_name[name])
for number, path in enumerate(order):
    with lzma.open(f"{root}/{path}") as packed:
        with open(f"/boot/modules/{number:02}-{os.path.basename(path).removesuffix('.xz')}", "wb") as plain:
            plain.write(packed.read())
EOF
