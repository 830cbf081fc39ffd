# What every node of a Slurm cluster needs. $1 accounts, $2 the runner's clock in seconds, $3 yes where homes are kept.
accounts=$1 now=$2 homes=$3

# munge refuses credentials from a clock that is off by 300 s; chrony gets a minute to set it right.
started=$(cut -d. -f1 /proc/uptime)
clock_is_right() {
  off=$(($(date +%s) - now - ($(cut -d. -f1 /proc/uptime) - started)))
  [ "$off" -lt 60 ] && [ "$off" -gt -60 ]
}
if changed /etc/chrony/chrony.conf; then systemctl restart chrony; fi
if ! until_true 60 "setting the clock" clock_is_right; then
  echo "the clock is off by $off s: set network.ntp in the site file, and look at the clock of the machine that runs Bramble" >&2
  exit 1
fi

# Accounts with the same uid on every node. Those that Bramble made and the site no longer has go; homes always stay.
getent group bramble >/dev/null || groupadd --system bramble
wanted=" "
while read -r name uid keys; do
  [ -n "$name" ] || continue
  wanted="$wanted$name "
  getent group "$name" >/dev/null || groupadd --gid "$uid" "$name"
  getent passwd "$name" >/dev/null ||
    useradd --uid "$uid" --gid "$uid" --groups bramble --home-dir "/home/$name" --no-create-home --shell /bin/bash "$name"
  if [ "$(id -u "$name")" != "$uid" ]; then
    echo "the account $name has uid $(id -u "$name") here, not $uid; uids of accounts that own files can't be changed" >&2
    exit 1
  fi
  [ "$homes" = yes ] || continue
  if [ ! -d "/home/$name" ]; then
    cp -R /etc/skel "/home/$name"
    chmod 0700 "/home/$name"
    chown -R "$uid:$uid" "/home/$name"
  fi
  install -d -m 0700 -o "$uid" -g "$uid" "/home/$name/.ssh"
  echo "$keys" | sed 's/^-$//' | base64 -d >"/home/$name/.ssh/authorized_keys"
  chown "$uid:$uid" "/home/$name/.ssh/authorized_keys"
done <<EOF
$accounts
EOF
for name in $(getent group bramble | cut -d: -f4 | tr , ' '); do
  case $wanted in
  *" $name "*) ;;
  # One whose processes still run can't be deleted, but nobody gets in any more; the next time it goes.
  *) usermod --lock --expiredate 1 "$name" && { userdel "$name" || echo "the account $name is locked; its processes still run" >&2; } ;;
  esac
done

if changed /etc/munge/munge.key; then systemctl restart munge; fi
