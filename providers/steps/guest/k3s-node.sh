# Puts a version of k3s into use on this node and starts it. $1 k3s or k3s-agent, $2 version, $3 the runner's clock,
# $4 the node's address.
unit=$1 version=$2 now=$3 address=$4
library=/usr/local/lib/bramble-k3s data=/var/lib/rancher/k3s

# Certificates are good from a time on, and etcd measures by the clock.
started=$(cut -d. -f1 /proc/uptime)
clock_is_right() {
  off=$(($(date +%s) - now - ($(cut -d. -f1 /proc/uptime) - started)))
  [ "$off" -lt 60 ] && [ "$off" -gt -60 ]
}
if changed /etc/chrony/chrony.conf; then systemctl restart chrony; fi
until_true 60 "setting the clock" clock_is_right ||
  fail "the clock is off by $off s: set network.ntp in the site file, and look at the clock of the machine that runs Bramble"

# Without this, flannel takes the interface of the default route, and a network of its own has none.
interface=$(ip -o -4 address show to "$address" | awk '{ print $2; exit }')
[ -n "$interface" ] || fail "no interface here has the address $address"
put 0600 root:root /etc/rancher/k3s/config.yaml.d/network.yaml <<END
$(echo "flannel-iface: $interface" | base64)
END

before=$(readlink "$library/current" || true)
restart=
if [ "$before" != "$version" ]; then
  # What runs in pods goes on: the service ends only itself (KillMode=process).
  if systemctl is-active --quiet "$unit"; then systemctl stop "$unit"; fi
  if [ -n "$before" ] && [ -e "$data/server/db/state.db" ]; then
    # There is no snapshot of sqlite while it is written to.
    copy=$data/server/db-before-$version
    if [ ! -e "$copy" ]; then
      cp -a "$data/server/db" "$copy.new"
      mv "$copy.new" "$copy"
    fi
  fi
  ln -sfn "$version" "$library/current.new"
  mv -T "$library/current.new" "$library/current"
  # The one before is kept: what runs in pods was started by it.
  for old in "$library"/v*; do
    case ${old##*/} in "$version" | "$before") ;; *) rm -rf "$old" ;; esac
  done
fi
for program in k3s kubectl crictl ctr; do ln -sfn "$library/current/bin/$program" "/usr/local/bin/$program"; done
mkdir -p "$data/agent/images"
# One archive of each name; those of the version before would be imported at each start.
for old in "$data/agent/images"/*; do
  case $(readlink "$old") in "$library/"*) rm -f "$old" ;; esac
done
for image in "$library/$version/images"/*; do
  if [ -e "$image" ]; then ln -sfn "$image" "$data/agent/images/${image##*/}"; fi
done
# With this file, archives that have been imported are not read again at each start.
[ -e "$data/agent/images/.cache.json" ] || : >"$data/agent/images/.cache.json"

config=/etc/rancher/k3s
for file in "$config/config.yaml" "$config/config.yaml.d/network.yaml" "$config/config.yaml.d/start.yaml" \
  "$config/registries.yaml" "$config/token" "$config/agent-token" "/etc/default/$unit" \
  "/etc/systemd/system/$unit.service"; do
  if changed "$file"; then restart=yes; fi
done
# Left behind by a removal that was taken back.
rm -f "/run/systemd/system/$unit.service.d/leaving.conf"
systemctl daemon-reload
systemctl enable --quiet "$unit"
if ! systemctl is-active --quiet "$unit"; then
  systemctl start --no-block "$unit"
  echo started
elif [ -n "$restart" ]; then
  systemctl restart --no-block "$unit"
  echo restarted
else
  echo runs
fi
# A power cut a moment later must not find empty files.
sync
