# What the scripts about a storage share, on the machine that serves it. $1 site, $2 name of the storage, $3 its folder,
# $4 the word in its marker file. What hosts may mount it stands in a file of the site's own, a line each, which ends in
# `# STORAGE HOST`; /etc/exports is the administrator's.
site=$1 storage=$2 path=$3 marker=$4
exports=/etc/exports.d/bramble-$site.exports
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[ "$(id -u)" = 0 ] || fail "it takes root to export a folder: log in as root (user: root)"

# Steps of several hosts change the file at the same time.
mkdir -p /run/bramble
exec 9>/run/bramble/exports.lock
flock 9

# drop WORDS: takes the lines out that end so.
drop() {
  if [ ! -e "$exports" ]; then return; fi
  sed "\|$1\$|d" "$exports" >"$exports.new"
  mv "$exports.new" "$exports"
}

# Tells the kernel what the files say, also what it has kept of former answers.
export_all() {
  said=$(exportfs -ra 2>&1) || fail "exportfs does not accept $exports: $said"
}

# The folders of NFS clients in /proc that came from an address; the kernel writes IPv4 in IPv6's form too.
clients_at() {
  pattern="^address: \"\\(\\[::ffff:\\)\\{0,1\\}$(echo "$1" | sed 's/\./\\./g')\\]\\{0,1\\}:[0-9]*\"\$"
  for info in /proc/fs/nfsd/clients/*/info; do
    if grep -q "$pattern" "$info" 2>/dev/null; then dirname "$info"; fi
  done
}
