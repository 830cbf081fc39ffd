# Applies or deletes the resources that were put here. $1 apply or delete.
export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
file=/etc/rancher/bramble/manifests.yaml
case $1 in
apply) kubectl apply --server-side --field-manager bramble --force-conflicts --filename "$file" >/dev/null ;;
delete) kubectl delete --ignore-not-found --wait=false --filename "$file" >/dev/null ;;
esac
