# The folder for releases of k3s.
install -d -m 0755 /usr/local/lib/bramble-k3s
