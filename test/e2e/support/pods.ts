import { podImage } from "../../../tools/lab/pod.ts";

/** What tests have a k3s cluster run. */

export const claim = {
  apiVersion: "v1",
  kind: "PersistentVolumeClaim",
  metadata: { name: "letters" },
  spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage: "1Mi" } } },
};

/** A pod on one node, with the claim's volume; NFS makes root nobody, so it is somebody. */
export function pod(name: string, node: string, script: string): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      restartPolicy: "Never",
      nodeSelector: { "kubernetes.io/hostname": node },
      securityContext: { runAsUser: 1000 },
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: "main",
          image: podImage,
          imagePullPolicy: "IfNotPresent",
          command: ["sh", "-c", script],
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        },
      ],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "letters" } }],
    },
  };
}

const image = { image: podImage, imagePullPolicy: "IfNotPresent" };

/** A web server that says where it runs, on that node if it is there, and the Service by which it is asked. */
export function greeter(node: string): object[] {
  const labels = { app: "greeter" };
  const there = [{ key: "kubernetes.io/hostname", operator: "In", values: [node] }];
  const preferred = [{ weight: 100, preference: { matchExpressions: there } }];
  const script = 'mkdir /www && echo "hello from $NODE" >/www/index.html && exec httpd -f -h /www';
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "greeter" },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          terminationGracePeriodSeconds: 1,
          affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: preferred } },
          containers: [
            {
              ...{ ...image, name: "greeter", command: ["sh", "-c", script] },
              env: [{ name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
            },
          ],
        },
      },
    },
  };
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "greeter" },
    spec: { selector: labels, ports: [{ port: 80 }] },
  };
  return [deployment, service];
}

/** Asks the greeter by its Service's name, from a node. */
export function visitor(node: string): object {
  const command = ["wget", "-q", "-O", "-", "http://greeter.default.svc.cluster.local"];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "visitor" },
    spec: {
      restartPolicy: "OnFailure",
      nodeSelector: { "kubernetes.io/hostname": node },
      containers: [{ ...image, name: "visitor", command }],
    },
  };
}
