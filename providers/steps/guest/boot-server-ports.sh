# Who has the ports of the boot server. $5 address, $6 HTTP port, $7 DHCP mode.
address=$5 http_port=$6 dhcp=$7
# As the kernel writes addresses on the little-endian machines that there are.
kernel_address=$(IFS=. && set -- $address && printf '%02X%02X%02X%02X' "$4" "$3" "$2" "$1")

# sockets udp|tcp PORT: inodes of sockets that wait there on our address or on all of them, whatever the IP version.
sockets() {
  cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | awk -v own="$kernel_address" -v port="$(printf %04X "$2")" '
    split($2, at, ":") == 2 && at[2] == port && ($4 == "0A" || $4 == "07") &&
      (at[1] ~ /^0+$/ || at[1] == own || at[1] == "0000000000000000FFFF0000" own) { print $10 }'
}

# holders udp|tcp PORT: pids of the processes that have these sockets open.
holders() {
  for inode in $(sockets "$1" "$2"); do
    # One ls for all processes: find of busybox can't ask where links lead.
    ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[$inode]" '
      /^\/proc\// { split($0, path, "/") }
      $NF == socket { print path[3]; found = 1; exit }
      END { if (!found) print "unseen" }'
  done
}

is_served() { # udp|tcp PORT
  for pid in $(holders "$1" "$2"); do
    if is_ours "$pid"; then return 0; fi
  done
  return 1
}

# stranger PID: names a process that has one of our ports, and says how to stop it.
stranger() {
  if [ "$1" = unseen ]; then
    echo "a program that can't be seen from here, perhaps in a container. Stop it"
    return
  fi
  unit=$(sed -n 's,.*/\([^/]*\.service\)$,\1,p' "/proc/$1/cgroup" | head -n 1)
  echo "$(basename "$(readlink "/proc/$1/exe")") (process $1: $(tr '\0' ' ' <"/proc/$1/cmdline" | cut -c 1-200 | sed 's/ *$//')). Stop it${unit:+ (\`systemctl disable --now $unit\`)}"
}

taken=
# check_port udp|tcp PORT WHAT: complains when another program is in the way.
check_port() {
  for pid in $(holders "$1" "$2"); do
    if is_ours "$pid"; then continue; fi
    # Each dnsmasq that is bound to interfaces, such as libvirt's, shares the DHCP port with others.
    if [ "$2" = 67 ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dnsmasq ]; then continue; fi
    echo "port $2/$1 of $address, for $3, is held by $(stranger "$pid"), or set \`manage: false\` under \`boot\` in the site file and let it serve $4" >&2
    taken=yes
    return
  done
}
