# What the API says of the cluster's nodes, as JSON; or why it does not answer.
if ! said=$(api /readyz 2>&1); then
  jq -cn --arg down "$said" '{$down}'
  exit
fi
api /api/v1/nodes | jq -c '
  def is(condition): any(.status.conditions[]?; .type == condition and .status == "True");
  {at: .metadata.resourceVersion, nodes: [.items[] | {
    name: .metadata.name,
    ready: is("Ready"),
    voter: is("EtcdIsVoter"),
    member: (.metadata.labels | has("node-role.kubernetes.io/etcd")),
    left: (.metadata.annotations | has("etcd.k3s.cattle.io/removed-node-name")),
    waits: any(.spec.taints[]?; .key == "node.cloudprovider.kubernetes.io/uninitialized"),
    version: .status.nodeInfo.kubeletVersion
  }]}'
