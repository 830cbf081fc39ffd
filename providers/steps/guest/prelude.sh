# Starts every script that Bramble runs on a guest. The files that it needs follow as calls of `put`.
set -eu
# Files that were put and not yet taken up by who reads them have a mark in here, so that a run which is interrupted or
# fails in between leaves that to the next one. A machine that restarts reads them all.
pending=/run/bramble/put marks=

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
  mark=$(mark_of "$3") marks="$marks $mark"
  if cmp -s "$aside" "$3" && [ "$(stat -c %a%U:%G "$aside")" = "$(stat -c %a%U:%G "$3")" ]; then
    rm -f "$aside"
  else
    mkdir -p "$pending"
    : >"$mark"
    mv -f "$aside" "$3"
  fi
}

# mark_of FILE: the path of its mark.
mark_of() { echo "$pending/$(echo "$1" | tr '/ ' ':_')"; }

# changed FILE: whether `put` changed it, in this run or in one before that did not come to its end.
changed() { [ -e "$(mark_of "$1")" ]; }

# taken_up: what every run ends with: all that was put is in use.
taken_up() { rm -f $marks; }

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
