# Exports the storage to nobody any more. All that is in it stays, and the marker too: it says whose it is.
if [ -e "$exports" ]; then
  sed "/# $storage [a-z0-9-]*\$/d" "$exports" >"$exports.new"
  mv "$exports.new" "$exports"
  if command -v exportfs >/dev/null && [ -e /proc/fs/nfsd/versions ]; then export_all; fi
  if [ ! -s "$exports" ]; then rm -f "$exports"; fi
fi
