# How a server without etcd's data begins. $1 `init`, or the URL of a server to join, or `alone`; $2 yes: it has left the
# cluster before, and what it still has of that time is put aside.
start=$1 left=$2
data=/var/lib/rancher/k3s/server drop=/etc/rancher/k3s/config.yaml.d
if [ "$left" = yes ]; then
  systemctl stop k3s 2>/dev/null || true
  rm -rf "$data/db-left"
  mv "$data/db" "$data/db-left"
fi
mkdir -p "$drop"
case $start in
alone) rm -f "$drop/start.yaml" ;;
init) echo 'cluster-init: true' >"$drop/start.yaml" ;;
*) echo "server: $start" >"$drop/start.yaml" ;;
esac
