# Answers a board with its SSH host key and certificate: to the address that they belong to, and once for each of its
# boots. A boot is what nginx has written down: that this address has loaded a system. Runs as a CGI script, by ash or
# dash; two lines before these say for which site.
set -u
umask 077
PATH=/usr/sbin:/usr/bin:/sbin:/bin
log=/var/log/bramble/$site state=/var/lib/bramble/$site
remote=${REMOTE_ADDR:-}
case $remote in
'' | *[!0-9.]*) remote=none ;;
esac

# note STATUS WHY: one line for each answer; who can't be noted gets none, and has not used up what they may have.
made=
note() {
  printf '{"time":%s,"remote":"%s","status":%s,"why":"%s"}\n' "$(date +%s)" "$remote" "$1" "$2" >>"$log/identity.log" || {
    [ -z "$made" ] || rmdir "$made"
    answer '500 Internal Server Error' 'the log cannot be written'
    exit
  }
}

answer() { # STATUS WHY
  printf 'Status: %s\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\n\r\n' "$1"
  [ "${REQUEST_METHOD:-}" = HEAD ] || echo "$2"
}

refuse() { # STATUS WHY
  note "${1%% *}" "$2"
  answer "$1" "$2"
  exit
}

[ "${REQUEST_METHOD:-}" = GET ] || refuse '405 Method Not Allowed' 'only GET is answered'
[ -z "${QUERY_STRING:-}${PATH_INFO:-}" ] || refuse '400 Bad Request' 'there is nothing to be chosen'
identity=$state/identities/$remote.tar
[ -e "$identity" ] || refuse '403 Forbidden' 'no board has this address'
[ -r "$identity" ] || refuse '500 Internal Server Error' 'the identity cannot be read'

# The last time that the board has loaded a system. The log may have been rotated a moment ago, and is read from its end.
last_boot() {
  address=$(echo "$remote" | sed 's/\./\\./g')
  { tail -c 1000000 "$log/boots.log.1"; tail -c 1000000 "$log/boots.log"; } 2>/dev/null |
    sed -n 's/^{"time":\([0-9.]*\),"remote":"'"$address"'","path":"[^"]*\.apkovl\.tar\.gz","status":200,"bytes":[1-9][0-9]*}$/\1/p' |
    tail -n 1
}
boot=$(last_boot)
[ -n "$boot" ] || refuse '403 Forbidden' 'this board has not loaded a system'

# Of two who ask at once, one makes the folder.
claims=$state/claims
claim=$claims/$remote@$boot
if ! mkdir "$claim" 2>/dev/null; then
  [ -d "$claim" ] || refuse '500 Internal Server Error' 'that it was given cannot be written down'
  refuse '403 Forbidden' 'it was given already since this board has loaded its system'
fi
made=$claim
for old in "$claims/$remote@"*; do
  [ "$old" = "$claim" ] || rmdir "$old"
done

note 200 'the first request of this boot'
printf 'Content-Type: application/x-tar\r\nCache-Control: no-store\r\n\r\n'
exec cat "$identity"
