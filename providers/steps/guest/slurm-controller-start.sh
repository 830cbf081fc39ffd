# The second half, when accounts and homes are there.
config=/etc/slurm/slurm.conf
if systemctl is-active --quiet slurmctld; then
  if ! cmp -s $config.new $config || changed /etc/slurm/cgroup.conf; then
    # A file that Slurm can't read would stop every command on this machine, so it is tried before it counts.
    SLURM_CONF=$config.new sinfo --noheader >/dev/null
    cp $config.new $config
    scontrol reconfigure
  fi
  if changed /etc/exports; then exportfs -ra; fi
else
  cp $config.new $config
fi
systemctl enable --now --quiet srv-data.mount home.mount munge slurmctld nfs-server
slurmctld_is_up() { scontrol ping | grep -q 'is UP'; }
until_true 60 "the start of slurmctld (see /var/log/slurm/slurmctld.log there)" slurmctld_is_up
munge --no-input | unmunge >/dev/null
# A power cut a moment later must not find empty files.
sync
scontrol ping
