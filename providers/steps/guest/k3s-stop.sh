# Ends k3s on this node for good: it must not register again. $1 k3s or k3s-agent.
if systemctl is-active --quiet keepalived; then systemctl disable --now --quiet keepalived; fi
systemctl disable --now --quiet "$1"
