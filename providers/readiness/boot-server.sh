# What a boot server has for boards, and what it noted of them. Prints lines, each with a word in front that says what it
# is; log lines are as they were, whatever is in them.
# $1 folder of the logs, $2 the most bytes of a log that are read, $3 the addresses whose traces are wanted, $4 the MAC
# addresses of which it is wanted who gave them an address, and FOLDER=ADDRESS for boot folders whose files other addresses
# may have asked for; then for each board two words: the link to the version that is served, and the folder of its versions.
# It is one of many boards, so no program is started for a board that the shell can do without.
logs=$1 most=$2 addresses=$3 strays=$4
shift 4
date '+clock %s %z'

# ends FILE: the end of a log, after that of the one before it.
ends() {
  for file in "$1.1" "$1"; do
    if [ -r "$file" ]; then tail -c "$most" "$file"; fi
  done
}

# noted KIND FILE: of each address the last line, and before it those that tell most: its last 100 that were about an
# overlay, or did not go well; of TFTP all.
noted() {
  ends "$2" | awk -v kind="$1" -v addresses="$addresses" '
    BEGIN {
      words = split(addresses, word, " ")
      for (i = 1; i <= words; i++) wanted[word[i]] = 1
    }
    {
      address = $NF
      if (kind != "tftp") {
        if (!match($0, /"remote":"[0-9.]*"/)) next
        address = substr($0, RSTART + 10, RLENGTH - 11)
      }
      if (!(address in wanted)) next
      last[address] = $0
      if (kind == "tftp" || index($0, ".apkovl.") || !index($0, "\"status\":2")) {
        told[address]++
        line[address, told[address] % 100] = $0
      }
    }
    END {
      for (address in last) {
        count = told[address]
        for (i = count > 100 ? count - 99 : 1; i <= count; i++) print kind, address, substr(line[address, i % 100], 1, 4000)
        if (count == 0 || line[address, count % 100] != last[address]) print kind, address, substr(last[address], 1, 4000)
      }
    }'
}
if [ -n "$addresses" ]; then
  noted http "$logs/http.log"
  noted tftp "$logs/tftp.log"
  noted identity "$logs/identity.log"
fi

# strayed FILE: of dnsmasq's log, of each MAC address and each boot folder the last 40 lines.
strayed() {
  ends "$1" | awk -v strays="$strays" '
    BEGIN {
      words = split(strays, word, " ")
      for (i = 1; i <= words; i++) {
        at = index(word[i], "=")
        if (at == 0) isMac[word[i]] = 1
        else owner[substr(word[i], 1, at - 1)] = substr(word[i], at + 1)
      }
    }
    function keep(kind, key) {
      count[kind " " key]++
      line[kind " " key, count[kind " " key] % 40] = $0
    }
    / dnsmasq-dhcp\[/ { for (i = 6; i <= 7 && i <= NF; i++) if ($i in isMac) keep("dhcp", $i) }
    / dnsmasq-tftp\[/ {
      parts = split($0, part, "/")
      for (i = 2; i < parts; i++) if (part[i] in owner && $NF != owner[part[i]]) keep("stray", part[i])
    }
    END {
      for (key in count)
        for (i = count[key] > 40 ? count[key] - 39 : 1; i <= count[key]; i++) print key, substr(line[key, i % 40], 1, 4000)
    }'
}
if [ -n "$strays" ]; then strayed "$logs/tftp.log"; fi

while [ $# -ge 2 ]; do
  link=$1 versions=$2
  shift 2
  echo "board"
  if cd -P "$link" 2>/dev/null; then echo "served ${PWD##*/}"; fi
  # Beside the trees is what a rollout noted of them.
  noted=${versions%/trees/*}/rollouts/${versions##*/}.json
  if [ -r "$noted" ]; then read -r line <"$noted" && printf 'note %s\n' "$line"; fi
  if cd "$versions" 2>/dev/null; then
    for entry in *; do echo "entry $entry"; done
    for file in */*/cmdline.txt; do [ -f "$file" ] && break; done
    if [ -f "$file" ]; then awk 'FNR == 1 { print "path " substr(FILENAME, 3); print "cmdline " substr($0, 1, 4000) }' ./*/*/cmdline.txt; fi
  fi
  cd /
done
