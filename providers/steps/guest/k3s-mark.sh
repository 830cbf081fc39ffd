# Gives a node its labels and taints, and takes away those that it had from here before. $1 node, $2 labels, $3 taints.
node=$1

# One try: the answer tells whether the node was changed by others in between, as it often is while it starts.
mark() {
  was=$(api "/api/v1/nodes/$node") || return
  patch=$(printf %s "$was" | jq -c --argjson labels "$2" --argjson taints "$3" '
    (.metadata.annotations["bramble/marks"] // "{\"labels\":[],\"taints\":[]}" | fromjson) as $old
    | ($taints | map(.key + ":" + .effect)) as $new
    | {
        metadata: {
          resourceVersion: .metadata.resourceVersion,
          labels: (reduce ($old.labels[] | select(in($labels) | not)) as $gone ($labels; .[$gone] = null)),
          annotations: {"bramble/marks": ({labels: ($labels | keys), taints: $new} | tojson)}
        },
        spec: {
          taints: ([.spec.taints[]? | select((.key + ":" + .effect) as $it | ($old.taints + $new | index($it)) == null)] + $taints)
        }
      }')
  printf %s "$patch" |
    api "/api/v1/nodes/$node" --request PATCH --header 'Content-Type: application/merge-patch+json' --data-binary @- >/dev/null
}

end=$(($(date +%s) + 120))
until said=$(mark "$1" "$2" "$3" 2>&1); do
  case $said in *"error: 409"*) [ "$(date +%s)" -lt "$end" ] || fail "$said" ;; *) fail "$said" ;; esac
done
