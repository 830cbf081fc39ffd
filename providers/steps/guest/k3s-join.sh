# How a server without etcd's data begins, before k3s-node starts it. $5 `init`, or the URL of a server to join, or
# `alone`; $6 yes: it has left the cluster before, and what it still has of that time is put aside.
start=$5 left=$6
data=/var/lib/rancher/k3s/server begin=/etc/rancher/k3s/config.yaml.d/start.yaml
if [ "$left" = yes ]; then
  systemctl stop k3s 2>/dev/null || true
  rm -rf "$data/db-left"
  mv "$data/db" "$data/db-left"
fi
case $start in
alone) rm -f "$begin" ;;
init) line='cluster-init: true' ;;
*) line="server: $start" ;;
esac
if [ "$start" != alone ]; then
  put 0600 root:root "$begin" <<END
$(echo "$line" | base64)
END
fi
