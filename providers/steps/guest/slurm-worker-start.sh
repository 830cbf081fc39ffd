# Makes this guest a worker. $4 its name, $5 the controller's, $6 its group, which is its feature in Slurm.
worker=$4 controller=$5 group=$6

if changed /etc/ssh/sshd_config.d/10-bramble-worker.conf; then systemctl reload ssh; fi

# What slurmd finds, less 5 % of the memory: it differs a little from boot to boot, and less than promised drains a node.
hardware=$(slurmd -C | head -n 1)
value() { echo "$hardware" | tr ' ' '\n' | sed -n "s/^$1=//p"; }
memory=$(($(value RealMemory) * 95 / 100))
size=
for item in CPUs Boards SocketsPerBoard CoresPerSocket ThreadsPerCore; do size="$size$item=$(value $item) "; done
put 0644 root:root /etc/default/slurmd <<EOF
$(echo "SLURMD_OPTIONS='-Z --conf-server $controller:6817 --conf \"${size}RealMemory=$memory Feature=$group\"'" | base64 -w0)
EOF

if systemctl is-active --quiet slurmd; then
  joining=no
  if changed /etc/default/slurmd; then systemctl restart slurmd; fi
else
  joining=yes
fi
systemctl enable --now --quiet munge home.automount slurmd
state() { scontrol show node "$worker" --oneliner | tr ' ' '\n' | sed -n 's/^State=//p'; }
is_listed() {
  state | grep -Eq '^(IDLE|MIXED|ALLOCATED)' || return 1
  ! state | grep -Eq 'NOT_RESPONDING|INVALID'
}
if ! until_true 120 "the registration of this worker with the controller" is_listed; then
  journalctl --unit slurmd --lines 5 --output cat >&2
  exit 1
fi
# A drain that an earlier machine of this name left behind. One that an administrator set on this one stays.
if [ $joining = yes ] && state | grep -q DRAIN; then scontrol update nodename="$worker" state=resume; fi
ls /home >/dev/null
# A power cut a moment later must not find empty files.
sync
echo "$worker is $(state), $(value CPUs) CPUs, $memory MiB"
