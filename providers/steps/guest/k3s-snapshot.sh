# Keeps what etcd holds now, on this server. $1 the snapshot's name.
k3s etcd-snapshot save --name "$1" >/dev/null || fail "no snapshot could be made on $(hostname)"
echo "$(hostname) keeps a snapshot in /var/lib/rancher/k3s/server/db/snapshots"
