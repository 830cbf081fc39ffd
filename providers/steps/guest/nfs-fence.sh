# Takes the storage away from hosts that are lost, before anybody else writes to their VMs' disks. $6 lines of
# `HOST ADDRESS`. What a host had open ends with its client's record in the kernel, at once and not when its lease does,
# and it opens nothing more, since nothing is exported to it: from then on it can't write, whether it is dead or not.
lost=$6
[ -n "$lost" ] || { echo "serves $path" && exit 0; }
[ -d /proc/fs/nfsd/clients ] || fail "this machine's kernel does not tell who has files open (it is older than Linux 5.6), so nobody can prove that a lost host writes no more"

echo "$lost" | while read -r host address; do drop "# $storage $host"; done
export_all
if echo "$lost" | while read -r host address; do
  if awk -F '[\t(]' -v path="$path" -v client="$address" '$1 == path && $2 == client { found = 1 } END { exit !found }' /var/lib/nfs/etab; then
    echo "$path is exported to $address ($host) by an entry that is not this project's: take it out, and run \`up\` again" >&2
    exit 1
  fi
done; then :; else exit 1; fi

# Whether a host has nothing open; a client that lives makes itself known again, but gets nothing.
is_gone() {
  for client in $(clients_at "$1"); do
    if [ -s "$client/states" ] || [ -n "$(cat "$client/states" 2>/dev/null)" ]; then return 1; fi
  done
}
echo "$lost" | while read -r host address; do
  for client in $(clients_at "$address"); do
    echo expire >"$client/ctl" || [ ! -e "$client" ]
  done
  until_true 60 "the end of what $host ($address) had open on $path" is_gone "$address"
  # Its system disks, and what its libvirt knew: if it comes back, it must not start VMs that run elsewhere by then.
  rm -rf "$path/hosts/$host"
  echo "$host ($address) can no longer write to $path"
done
