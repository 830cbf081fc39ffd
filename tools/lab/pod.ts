import { stringify } from "yaml";
import type { K3sCluster } from "../../site/model.ts";
import type { LabAccess } from "./access.ts";

export interface PodAnswer {
  /** As the user would have typed it. */
  readonly command: string;
  readonly server: string;
  /** What the pod wrote into its log. */
  readonly line: string;
}

/** An image that every bundle of k3s has, so that nothing is pulled. */
export const podImage = "docker.io/rancher/mirrored-library-busybox:1.37.0";
/** How long the pod may take, in seconds; under emulation containerd needs much of it. */
const podPatience = 300;

/**
 * Runs a real pod on the lab's k3s cluster, on an agent, and gives its log. It is removed again.
 * @throws Error with what Kubernetes said.
 */
export async function runPod(k3s: K3sCluster, { connectTo }: LabAccess): Promise<PodAnswer> {
  const [server] = k3s.servers;
  const [agent] = k3s.agents;
  if (server === undefined) throw new Error(`cluster ${k3s.name} has no server`);
  const connection = await connectTo(server);
  try {
    const { code, stdout, stderr } = await connection.run(podScript, [stringify(pod(agent)), String(podPatience)]);
    if (code !== 0) throw new Error(`The pod did not run on ${agent ?? server}:\n${(stderr || stdout).trim()}`);
    return { command: "kubectl logs hello", server, line: stdout.trim() };
  } finally {
    connection.close();
  }
}

/** It names the node that it runs on, so that its log tells where it was. */
function pod(node: string | undefined) {
  const where = { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } };
  const script = 'echo "a pod on $NODE"';
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "hello", namespace: "default" },
    spec: {
      restartPolicy: "Never",
      ...(node === undefined ? {} : { nodeSelector: { "kubernetes.io/hostname": node } }),
      containers: [
        {
          name: "hello",
          image: podImage,
          imagePullPolicy: "IfNotPresent",
          command: ["sh", "-c", script],
          env: [where],
        },
      ],
    },
  };
}

/** $1 the pod, $2 the seconds that it may take. One that an interrupted run left is replaced. */
const podScript = `
PATH=/usr/local/lib/bramble-k3s/current/bin:$PATH
export KUBECONFIG=/etc/rancher/k3s/k3s.yaml
end=$(($(date +%s) + $2)) pod=$1
# in_time COMMAND…: again while the API is too busy to answer, which without KVM it is at first; what it said last if not.
in_time() {
  until said=$("$@" 2>&1); do
    [ "$(date +%s)" -lt "$end" ] || { echo "$said" >&2; exit 1; }
    sleep 2
  done
}
make() { printf '%s\\n' "$pod" | kubectl replace --force --validate=false -f -; }
in_time make
if ! kubectl wait --for=jsonpath='{.status.phase}'=Succeeded pod/hello --timeout="$2s" >/dev/null; then
  kubectl describe pod hello >&2
  exit 1
fi
in_time kubectl logs hello
echo "$said"
in_time kubectl delete pod hello --now --wait=false
`;
