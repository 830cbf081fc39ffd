# Whether this machine can be the boot server, and the programs for it. $3 TFTP root, $4 HTTP root.
has_address() {
  awk -v address="$address" '$1 == "|--" { at = $2 } /host LOCAL/ && at == address { found = 1 } END { exit !found }' \
    /proc/net/fib_trie
}
has_address || fail "no interface of this machine has the address $address, which the site file gives to it"
check_port udp 69 TFTP "$3"
check_port tcp "$http_port" HTTP "$4"
check_port tcp "$((http_port + 1))" "the boards' identities" "these"
if [ "$dhcp" != router ]; then check_port udp 67 DHCP "the boards"; fi
if [ -n "$taken" ]; then exit 1; fi
for root in "$3" "$4"; do
  case $state/ in "${root%/}"/*)
    fail "$root is served to everybody, and $state, where secrets of the boards are, lies in it: give another folder in the site file" ;;
  esac
done

missing=
for name in dnsmasq nginx httpd; do
  if ! installed "$name"; then missing="$missing $name"; fi
done
if [ -z "$missing" ]; then exit 0; fi

# get COMMAND…: runs a package manager, which has nothing to ask and speaks only when it fails.
get() {
  if said=$("$@" </dev/null 2>&1); then return 0; fi
  said=$(echo "$said" | tail -n 8)
  return 1
}

if command -v apt-get >/dev/null; then
  # dnsmasq-base is the program without the distribution's service.
  packages=$(echo "$missing" | sed 's/dnsmasq/dnsmasq-base/; s/httpd/busybox/')
  install="apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=300 install $packages"
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
  get $install || { get apt-get -q update && get $install; } || fail "apt-get could not install$packages:
$said"
  case $missing in *nginx*)
    # The package starts a server of its own, with a page that says so, for the whole network.
    if [ "$init" = systemd ]; then
      systemctl disable --now --quiet nginx </dev/null
    elif [ -x /etc/init.d/nginx ]; then
      get /etc/init.d/nginx stop || fail "the server that came with nginx does not stop: $said"
      update-rc.d nginx disable
    fi
    ;;
  esac
elif command -v apk >/dev/null; then
  packages=$(echo "$missing" | sed 's/httpd/busybox-extras/')
  get apk add $packages || fail "apk could not install$packages:
$said"
else
  fail "there is neither apt-get nor apk here to install what is missing:$missing. Install it by hand and run \`up\` again"
fi
for name in $missing; do
  installed "$name" || fail "$name is still missing after installing$packages"
done
echo "installed$packages"
