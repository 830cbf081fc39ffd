# Sets up the services, from the new configurations that were put beside the ones in use. $3 TFTP root, $4 HTTP root.
tftp_root=$3 http_root=$4

# make_folder PATH: makes what is missing of it, and notes that down for the day when it is removed.
make_folder() {
  if [ -d "$1" ]; then return; fi
  make_folder "$(dirname "$1")"
  mkdir -m 0755 "$1"
  echo "$1" >>"$config/made"
}

# text MODE PATH <TEXT
text() {
  put "$1" root:root "$2" <<END
$(base64)
END
}

echo "$id" >"$config/site"
for folder in "$run" "$log" "$state" "$tftp_root" "$http_root"; do make_folder "$folder"; done

# refuse NAME REASON: a configuration that its program can't read takes nobody's place.
refuse() {
  rm -f "$config"/*.new
  fail "$1 does not accept its new configuration, so nothing was changed:
$(echo "$2" | sed '/^$/d')"
}
said=$(dnsmasq --test --conf-file="$config/dnsmasq.conf.new" 2>&1 </dev/null) || refuse dnsmasq "$said"
said=$(nginx -t -q -c "$config/nginx.conf.new" 2>&1 </dev/null) || refuse nginx "$said"

# Boards' keys are read by a user who can do nothing else: write down what was asked for, and that it was given.
if ! id "$user" >/dev/null 2>&1; then
  echo "$user" >"$config/user"
  if command -v useradd >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
  else
    addgroup -S "$user"
    adduser -S -D -H -h /nonexistent -s /sbin/nologin -G "$user" "$user"
  fi
fi

# private_folder MODE OWNER PATH
private_folder() {
  [ -d "$3" ] || mkdir -m 0700 "$3"
  chown "$2" "$3"
  chmod "$1" "$3"
}
# What is published in it belongs to the user's group, as the folder does.
private_folder 2750 "root:$user" "$state/identities"
for file in "$state/identities"/*; do
  [ ! -f "$file" ] || chgrp "$user" "$file"
done
private_folder 0700 "$user:$user" "$state/claims"
[ -e "$log/identity.log" ] || : >"$log/identity.log"
chown "$user:$user" "$log/identity.log"
mkdir -p "$config/www/cgi-bin"
chmod 0755 /etc/bramble "$config" "$config/www" "$config/www/cgi-bin"
mv -f "$config/identity.new" "$config/www/cgi-bin/identity"

capabilities() {
  echo "CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_CHOWN"
  if [ "$1" = tftp ] && [ "$dhcp" != router ]; then echo "CAP_NET_ADMIN CAP_NET_RAW"; fi
}

# What a service may do. systemd would give the folders that it makes for a user to that user.
unit_rights() {
  case $1 in
  identity)
    cat <<END
Type=exec
User=$user
Group=$user
UMask=0077
ReadWritePaths=$log/identity.log $state/claims
CapabilityBoundingSet=
END
    ;;
  *)
    cat <<END
Type=forking
PIDFile=$(pid_file "$1")
RuntimeDirectory=bramble/$site
RuntimeDirectoryPreserve=yes
StateDirectory=bramble/$site
LogsDirectory=bramble/$site
CapabilityBoundingSet=$(capabilities "$1" | tr '\n' ' ')
END
    ;;
  esac
}

unit() {
  cat <<END
[Unit]
Description=$2 for the boards of the site $site (Bramble)
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=$(start_command "$1")
Restart=on-failure
RestartSec=5
$(unit_rights "$1")
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy=multi-user.target
END
}

# httpd does not go to the background by itself, nor to another user.
openrc_user() {
  if [ "$1" = identity ]; then printf '\ncommand_background=yes\ncommand_user="%s:%s"' "$user" "$user"; fi
}

init_script() {
  set -- "$@" $(start_command "$1")
  name=$1 what=$2 command=$3
  shift 3
  cat <<END
#!/sbin/openrc-run
name="$what for the boards of the site $site (Bramble)"
command="$command"
command_args="$*"
pidfile="$(pid_file "$name")"$(openrc_user "$name")

depend() {
	need net
	after localmount firewall
}

start_pre() {
	mkdir -p "$run" "$log" "$state"
}
END
}

# All services start with the machine from now on.
case $init in
systemd)
  text 0644 "$(service_file tftp)" <<END
$(unit tftp TFTP)
END
  text 0644 "$(service_file http)" <<END
$(unit http HTTP)
END
  text 0644 "$(service_file identity)" <<END
$(unit identity Identities)
END
  systemctl daemon-reload
  systemctl enable --quiet "bramble-$site-tftp" "bramble-$site-http" "bramble-$site-identity"
  ;;
openrc)
  text 0755 "$(service_file tftp)" <<END
$(init_script tftp TFTP)
END
  text 0755 "$(service_file http)" <<END
$(init_script http HTTP)
END
  text 0755 "$(service_file identity)" <<END
$(init_script identity Identities)
END
  for name in tftp http identity; do rc-update --quiet add "bramble-$site-$name" default; done
  ;;
esac

# What a service was started with is noted once it is at work, so that a run that ended in between is made up for.
fingerprint() { cat "$config/$(program "$1").conf" "$(service_file "$1")" | sha256sum; }

is_listening() {
  case $1 in
  tftp) is_served udp 69 ;;
  http) is_served tcp "$http_port" ;;
  identity) is_served tcp "$((http_port + 1))" ;;
  esac
}

comes_up() { start "$1" && until_true 10 "the start of $(program "$1")" is_listening "$1"; }

# nginx's workers, which are new ones once it has read a configuration.
workers() {
  cat /proc/[0-9]*/status 2>/dev/null |
    awk -v master="$(cat "$(pid_file http)")" '/^Pid:/ { pid = $2 } /^PPid:/ && $2 == master { print pid }'
}

# Old ones only finish what they were sending, and call themselves so.
has_reloaded() {
  fresh=no
  for pid in $(workers); do
    case $old_workers in
    *" $pid "*) grep -q 'is shutting down' "/proc/$pid/cmdline" || return 1 ;;
    *) fresh=yes ;;
    esac
  done
  [ $fresh = yes ]
}

# take_up NAME: what is new of a service, with as little interruption as its program knows.
take_up() {
  # nginx does it without one; the others read their configuration only when they start.
  if [ "$1" = http ] && is_up http && ! changed "$(service_file http)"; then
    how=reloaded old_workers=" $(workers | tr '\n' ' ') "
    nginx -c "$config/nginx.conf" -s reload </dev/null >"$run/http.start" 2>&1 &&
      until_true 10 "the reload of nginx" has_reloaded
  else
    how=started
    if is_up "$1"; then how=restarted && stop "$1"; fi
    comes_up "$1"
  fi
}

# serve NAME WHAT: brings one service to its new configuration, or back to the old one.
serve() {
  current=$config/$(program "$1").conf
  if ! cmp -s "$current.new" "$current"; then
    if [ -e "$current" ]; then cp -p "$current" "$current.old"; fi
    mv "$current.new" "$current"
  fi
  rm -f "$current.new"
  if is_up "$1" && [ "$(fingerprint "$1")" = "$(cat "$config/$1.served" 2>/dev/null)" ]; then
    rm -f "$current.old"
    echo "$2: unchanged"
    return
  fi
  if ! take_up "$1"; then
    last_words "$1" >&2
    stop "$1" || true
    if [ -e "$current.old" ]; then
      mv "$current.old" "$current"
      if comes_up "$1"; then echo "the old configuration is served again" >&2; fi
    fi
    if [ "$gave_way" = yes ]; then comes_up identity || true; fi
    fail "$(program "$1") did not take up its new configuration"
  fi
  fingerprint "$1" >"$config/$1.served"
  rm -f "$current.old"
  echo "$2: $how"
}

if [ -d /etc/logrotate.d ]; then
  text 0644 "/etc/logrotate.d/bramble-$site" <<END
$log/*.log {
	weekly
	maxsize 10M
	rotate 4
	missingok
	notifempty
	nocompress
	copytruncate
}
END
fi
# HTTP may move to the port next to it, where identities are.
gave_way=no
if is_up identity && ! cmp -s "$config/httpd.conf.new" "$config/httpd.conf"; then
  gave_way=yes
  stop identity
fi
serve tftp TFTP
serve http HTTP
serve identity identities
if [ "$init" = none ]; then
  echo "nothing starts these after a reboot, since this machine has neither systemd nor OpenRC: run \`up\` again then"
fi
if [ "$init" = openrc ] && awk '$2 == "/" { type = $3 } END { exit type != "tmpfs" && type != "rootfs" }' /proc/mounts; then
  echo "this machine runs from memory: keep what is new in /etc with \`lbu commit\`"
fi
# A power cut a moment later must not find empty files.
sync
