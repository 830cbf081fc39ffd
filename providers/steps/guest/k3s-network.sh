# Waits until the node has its part of the pods' network, half a minute at the most; the next look finds out whether it has.
until_true 30 "the pods' network" test -e /run/flannel/subnet.env || true
