import { parseDocument } from "yaml";

export interface KubeconfigNames {
  /** What cluster, user and context are called, so that files of several clusters can be used together. */
  readonly name: string;
  /** URL of the API: `https://10.20.0.20:6443`. */
  readonly server: string;
}

/** Where each `default` of k3s stands (k3s, docs/cluster-access.md). */
const namesInFile = [
  ["clusters", 0, "name"],
  ["users", 0, "name"],
  ["contexts", 0, "name"],
  ["contexts", 0, "context", "cluster"],
  ["contexts", 0, "context", "user"],
  ["current-context"],
] as const;
const serverInFile = ["clusters", 0, "cluster", "server"] as const;

/**
 * The kubeconfig that k3s writes on a server, for use elsewhere: with another server than the machine that it is on, and
 * a name of its own.
 * @throws Error when it is not a file as k3s writes it.
 */
export function kubeconfigFor(text: string, { name, server }: KubeconfigNames): string {
  const file = parseDocument(text);
  const missing = [...namesInFile, serverInFile].find((path) => typeof file.getIn(path) !== "string");
  if (file.errors.length > 0 || missing !== undefined)
    throw new Error(
      `this is not a kubeconfig of k3s: ${file.errors[0]?.message ?? `${missing?.join(".")} is missing`}`,
    );
  for (const path of namesInFile) file.setIn(path, name);
  file.setIn(serverInFile, server);
  return file.toString();
}
