# Waits, half a minute at the most, until another look is worth its time: where $2 is empty, until the API answers; else
# until it tells of a change of node $1 after $2, the resource version of the last look. What ends the wait too soon, as
# a server that goes away, the next look finds out.
if [ -z "$2" ]; then
  api /readyz --max-time 30 --retry 15 --retry-delay 2 --retry-max-time 30 --retry-all-errors >/dev/null 2>&1 || true
else
  news=$(mktemp -u)
  mkfifo "$news"
  api "/api/v1/nodes?watch=true&timeoutSeconds=30&fieldSelector=metadata.name=$1&resourceVersion=$2" --no-buffer \
    >"$news" 2>/dev/null &
  read -r _ <"$news" || true
  rm "$news"
fi
