# Asks the API of this server by its administrator's certificate. kubectl would cost seconds each time without KVM.
tls=/var/lib/rancher/k3s/server/tls

# api PATH [OPTION OF curl]…
api() {
  api_path=$1
  shift
  curl --silent --show-error --fail --max-time 60 --cacert "$tls/server-ca.crt" --cert "$tls/client-admin.crt" \
    --key "$tls/client-admin.key" "$@" "https://127.0.0.1:6443$api_path"
}
