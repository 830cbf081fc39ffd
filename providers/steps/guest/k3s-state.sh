# What is on this node before anything of it is changed, as JSON. $1 k3s or k3s-agent.
# A server that keeps its state in sqlite has a folder for etcd too, but no member in it.
data=/var/lib/rancher/k3s config=/etc/rancher/k3s library=/usr/local/lib/bramble-k3s
hash_of() { if [ -e "$1" ]; then sha256sum <"$1" | cut -d ' ' -f 1; fi; }
has() { if [ -e "$1" ]; then echo true; else echo false; fi; }
if [ "$1" = k3s ]; then started=$data/server/db; else started=$data/agent/client-kubelet.crt; fi
jq -cn --arg version "$(readlink "$library/current" || true)" \
  --argjson started "$(has "$started")" --argjson etcd "$(has "$data/server/db/etcd/member")" \
  --arg ca "$(hash_of "$data/server/tls/server-ca.crt")" \
  --arg token "$(hash_of "$config/token")" --arg agentToken "$(hash_of "$config/agent-token")" \
  --arg fixed "$(grep -E '^(cluster-cidr|service-cidr|cluster-dns|cluster-domain):' "$config/config.yaml" 2>/dev/null || true)" \
  '{$version, $started, $etcd, $ca, $token, $agentToken, $fixed}'
