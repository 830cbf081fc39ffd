# k3s ends when its etcd member has been removed, and must not come back as a new one. $1 k3s or k3s-agent.
mkdir -p "/run/systemd/system/$1.service.d"
printf '[Service]\nRestart=no\n' >"/run/systemd/system/$1.service.d/leaving.conf"
systemctl daemon-reload
