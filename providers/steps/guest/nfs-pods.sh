# Gives a k3s cluster folders for its volumes. $5 the cluster, $6 its lines for the exports file, $7 how many folders.
cluster=$5 lines=$6 volumes=$7
[ -e "$path/.bramble-storage" ] || fail "$path has no .bramble-storage: is its disk mounted?"
[ -d "$path/pods" ] || mkdir -m 0711 "$path/pods"
[ -d "$path/pods/$cluster" ] || mkdir -m 0755 "$path/pods/$cluster"
# Each pod writes as the user that it runs as, and root as nobody: whose a file is, is for the pods to agree on.
for folder in dynamic $(seq "$volumes"); do
  [ -d "$path/pods/$cluster/$folder" ] || mkdir -m 0777 "$path/pods/$cluster/$folder"
  chmod 0777 "$path/pods/$cluster/$folder"
done
mount=$(df -P "$path" | awk 'NR == 2 { print $6 }')
drop "# $storage pods-$cluster"
echo "$lines" | while read -r line; do
  # What is on a disk of its own is exported only while that is there.
  if [ "$mount" != / ]; then line=$(echo "$line" | sed "s|)\$|,mountpoint=$mount)|"); fi
  echo "$line # $storage pods-$cluster"
done >>"$exports"
export_all
sync
