# One host may mount the storage no more. $5 the host. Its folder stays, if there is something in it.
drop "# $storage $5"
export_all
rmdir "$path/hosts/$5" 2>/dev/null || true
