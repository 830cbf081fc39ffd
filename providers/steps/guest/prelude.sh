# Starts every script that Bramble runs on a guest. The files that it needs follow as calls of `put`.
set -eu
changes=

# fail WORDS: ends the work, and says why.
fail() {
  echo "$*" >&2
  exit 1
}

# put MODE OWNER PATH <BASE64: writes a file aside and moves it into place, only if it differs.
put() {
  mkdir -p "$(dirname "$3")"
  aside=$(mktemp "$3.XXXXXX")
  base64 -d >"$aside"
  chmod "$1" "$aside"
  chown "$2" "$aside"
  if cmp -s "$aside" "$3" && [ "$(stat -c %a%U:%G "$aside")" = "$(stat -c %a%U:%G "$3")" ]; then
    rm -f "$aside"
  else
    mv -f "$aside" "$3"
    changes="$changes $3 "
  fi
}

# changed FILE…: whether `put` changed one of them.
changed() {
  for file; do
    case $changes in *" $file "*) return 0 ;; esac
  done
  return 1
}

# until_true SECONDS WHAT COMMAND…: waits for a condition, and fails naming it when the time is up.
until_true() {
  end=$(($(date +%s) + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if [ "$(date +%s)" -ge "$end" ]; then
      echo "$what did not happen in time" >&2
      return 1
    fi
    sleep 0.3
  done
}
