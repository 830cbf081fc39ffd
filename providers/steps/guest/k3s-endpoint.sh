# Has this server take part in holding the cluster's address. $1 its own address, $2 what stands for its interface.
interface=$(ip -o -4 address show to "$1" | awk '{ print $2; exit }')
[ -n "$interface" ] || fail "no interface here has the address $1"
put 0644 root:root /etc/keepalived/keepalived.conf <<END
$(sed "s/$2/$interface/" /etc/keepalived/keepalived.conf.in | base64)
END
if changed /etc/keepalived/keepalived.conf && systemctl is-active --quiet keepalived; then
  keepalived --config-test --use-file /etc/keepalived/keepalived.conf ||
    fail "keepalived does not accept its configuration"
  systemctl reload keepalived
fi
systemctl enable --now --quiet keepalived
