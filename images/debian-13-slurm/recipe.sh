# Sourced by customize.sh: what of a Slurm node's services a step starts, and the key that a step brings.
systemctl --quiet disable slurmctld slurmd munge nfs-server
rm -f /etc/munge/munge.key
