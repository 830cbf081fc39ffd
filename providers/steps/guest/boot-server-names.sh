# What a boot server's files and services are called, and how this machine runs services. $1 site, $2 its id.
site=$1 id=$2
user=bramble-$site
config=/etc/bramble/$site run=/run/bramble/$site log=/var/log/bramble/$site state=/var/lib/bramble/$site
umask 022
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

[ "$(id -u)" = 0 ] ||
  fail "it takes root to run services on ports below 1024: log in as root (user: root), or set \`manage: false\` under \`boot\` in the site file and run TFTP and HTTP yourself"
if [ -e "$config/site" ] && [ "$(cat "$config/site")" != "$id" ]; then
  fail "this machine is the boot server of another site that is called $site too ($(cat "$config/site"), not $id): give one of them another name, or take the other down first"
fi

if [ -d /run/systemd/system ]; then
  init=systemd
elif [ -e /run/openrc/softlevel ]; then
  init=openrc
else
  init=none
fi

program() {
  case $1 in
  tftp) echo dnsmasq ;;
  http) echo nginx ;;
  identity) echo httpd ;;
  esac
}

# The BusyBox that has a web server in it; Alpine's usual one has none.
httpd_box() {
  for box in busybox busybox-extras; do
    if "$box" --list 2>/dev/null | grep -qx httpd; then
      command -v "$box"
      return
    fi
  done
  return 1
}

# installed PROGRAM
installed() {
  case $1 in
  httpd) httpd_box >/dev/null ;;
  *) command -v "$1" >/dev/null ;;
  esac
}

pid_file() { echo "$run/$(program "$1").pid"; }

service_file() {
  case $init in
  systemd) echo "/etc/systemd/system/bramble-$site-$1.service" ;;
  openrc) echo "/etc/init.d/bramble-$site-$1" ;;
  none) echo /dev/null ;;
  esac
}

# Where it writes what goes wrong, and dnsmasq and httpd what they serve too.
log_file() {
  case $1 in
  tftp) echo "$log/tftp.log" ;;
  http) echo "$log/http-errors.log" ;;
  identity) echo "$log/identity.log" ;;
  esac
}

# The command that starts a service; it ends when the service is there, or says why it is not, but for httpd, which
# stays. dnsmasq keeps leases in every DHCP mode, and would by itself in the file of the distribution's dnsmasq.
start_command() {
  case $1 in
  tftp) echo "$(command -v dnsmasq) --conf-file=$config/dnsmasq.conf --log-facility=$(log_file tftp) --dhcp-leasefile=$state/leases" ;;
  http) echo "$(command -v nginx) -c $config/nginx.conf" ;;
  identity) echo "$(httpd_box) httpd -f -p $address:$((http_port + 1)) -h $config/www -c $config/httpd.conf" ;;
  esac
}

# is_ours PID: whether a process belongs to one of the services; nginx's workers have its parent's word for it.
is_ours() {
  parent=$(awk '/^PPid:/ { print $2 }' "/proc/$1/status" 2>/dev/null) || return 1
  { tr '\0' ' ' <"/proc/$1/cmdline"; tr '\0' ' ' <"/proc/$parent/cmdline"; } 2>/dev/null | grep -qF "$config/"
}

is_up() {
  case $init in
  systemd) systemctl is-active --quiet "bramble-$site-$1" ;;
  # OpenRC would have a service that crashed started, where its start-stop-daemon is another's.
  *) [ -s "$(pid_file "$1")" ] && is_ours "$(cat "$(pid_file "$1")")" ;;
  esac
}

start() {
  case $init in
  # Its own words only name the place where the reason is written, which last_words reads.
  systemd) systemctl start "bramble-$site-$1" 2>/dev/null ;;
  openrc)
    rc-service "bramble-$site-$1" zap >/dev/null 2>&1 && rc-service "bramble-$site-$1" start
    ;;
  none)
    if [ "$1" = identity ]; then
      # The number that is written down is the one that the server will have.
      setsid sh -c 'echo $$ >"$1" && shift && exec "$@"' sh "$(pid_file identity)" \
        $(start_command identity) -u "$user:$user" &
    else
      $(start_command "$1")
    fi
    ;;
  esac </dev/null >"$run/$1.start" 2>&1
}

stop() {
  case $init in
  systemd) systemctl stop "bramble-$site-$1" ;;
  openrc)
    if is_up "$1"; then
      rc-service "bramble-$site-$1" stop >/dev/null
    else
      rc-service "bramble-$site-$1" zap >/dev/null 2>&1
    fi
    ;;
  none)
    if is_up "$1"; then
      stopping=$(cat "$(pid_file "$1")")
      kill "$stopping"
      has_ended() { [ ! -e "/proc/$stopping/cmdline" ] || [ -z "$(tr -d '\0' <"/proc/$stopping/cmdline")" ]; }
      until_true 10 "the end of $(program "$1") ($stopping)" has_ended
    fi
    ;;
  esac </dev/null
}

# What a service said last.
last_words() {
  if [ -s "$run/$1.start" ]; then cat "$run/$1.start"; fi
  if [ "$init" = systemd ]; then journalctl --unit "bramble-$site-$1" --lines 5 --output cat --no-pager; fi
  if [ -s "$(log_file "$1")" ]; then tail -n 5 "$(log_file "$1")"; fi
}
