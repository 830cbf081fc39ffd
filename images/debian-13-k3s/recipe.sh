# Sourced by customize.sh: keepalived is started by a step, on servers with an address for all of them.
systemctl --quiet disable keepalived
