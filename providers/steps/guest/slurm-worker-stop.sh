# Stops the worker's daemon, so that it does not register again.
systemctl disable --now --quiet slurmd
