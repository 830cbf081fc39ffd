# Lets one host mount the storage. $5 the host, $6 its line for the exports file.
host=$5 line=$6
[ -e "$path/.bramble-storage" ] || fail "$path has no .bramble-storage: is its disk mounted?"
[ -d "$path/hosts/$host" ] || mkdir -m 0711 "$path/hosts/$host"
# What is on a disk of its own is exported only while that is there. The line says so itself where the site knows.
mount=$(df -P "$path" | awk 'NR == 2 { print $6 }')
case $line in *mountpoint=*) mount=/ ;; esac
if [ "$mount" != / ]; then line=$(echo "$line" | sed "s|)\$|,mountpoint=$mount)|"); fi
drop "# $storage $host"
echo "$line # $storage $host" >>"$exports"
export_all
sync
