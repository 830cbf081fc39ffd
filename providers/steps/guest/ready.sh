# Whether this guest is the right one and its first boot is done. $1 name, $2 image, $3 patience in seconds.
name=$1 image=$2 patience=$3
until_true "$patience" "cloud-init's first run (see /var/log/cloud-init.log there)" \
  systemctl is-active --quiet cloud-init-network.service
# An empty list of errors is written on one line.
if grep -q '"errors": \[$' /run/cloud-init/status.json; then
  echo "cloud-init reported errors: $(cat /run/cloud-init/status.json)" >&2
  exit 1
fi
if [ "$(hostname)" != "$name" ]; then
  echo "it calls itself $(hostname), not $name" >&2
  exit 1
fi
read -r built _ </etc/bramble-image
if [ "$built" != "$image" ]; then
  echo "it runs the image $built, not $image" >&2
  exit 1
fi
# A power cut a moment later must not find empty files.
sync
echo "up since $(uptime -s)"
