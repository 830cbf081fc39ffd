# Prints the SHA-256 of the bundle that a release of k3s was unpacked from here, if it was. $1 version.
cat "/usr/local/lib/bramble-k3s/$1/sha256" 2>/dev/null || true
