# Removes the services and what was written for them; packages stay, and whatever is in the roots.
for name in tftp http identity; do
  file=$(service_file "$name")
  if [ ! -e "$file" ]; then continue; fi
  stop "$name"
  case $init in
  systemd) systemctl disable --quiet "bramble-$site-$name" && rm "$file" ;;
  openrc) rc-update --quiet delete "bramble-$site-$name" default && rm "$file" ;;
  esac
done
if [ "$init" = systemd ]; then systemctl daemon-reload; fi
rm -rf "${run:?}"
rm -f "/etc/logrotate.d/bramble-$site" "$log"/*.log "$log"/*.log.* "$state/leases"
# Identities go with what published them; nobody else reads one that is left.
if [ -d "$state/identities" ] && ! rmdir "$state/identities" 2>/dev/null; then
  chown -R root:root "$state/identities"
  chmod g-s "$state/identities" # which a number does not take from a folder
  chmod 0700 "$state/identities"
fi
rm -rf "$state/claims" "$config/www"
if [ -e "$config/user" ]; then
  if command -v userdel >/dev/null; then userdel "$user"; else deluser "$user"; fi
  rm "$config/user"
fi
made=$(sort -r "$config/made" 2>/dev/null) || made=
rm -f "$config"/*.conf "$config"/*.new "$config"/*.old "$config"/*.served "$config/made" "$config/site"
# Only what is empty, which a root is not as long as somebody's files are in it.
for folder in $made "$log" "$state" "$config" /run/bramble/put /run/bramble /var/log/bramble /var/lib/bramble /etc/bramble; do
  rmdir "$folder" 2>/dev/null || true
done
sync
