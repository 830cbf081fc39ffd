# What this machine runs. $1: what the names of the site's VMs begin with, empty where it runs none.
head -c 100 /proc/uptime
echo "kernel $(uname -r)"
sed -n 's/^PRETTY_NAME="\{0,1\}\([^"]*\).*/os \1/p' /etc/os-release
[ -n "$1" ] || exit 0
if domains=$(LC_ALL=C timeout 8 virsh -q -c qemu:///system list --all 2>&1); then
  echo libvirt
  printf '%s\n' "$domains" | awk -v start="$1" 'index($2, start) == 1 { print "domain", $0 }'
else
  printf 'problem libvirt does not answer: %s\n' "$domains" | head -n 1
fi
