import { type Parsed, show } from "./problem.ts";

/** Labels and taints of nodes, as Kubernetes and the kubelet take them. */

export type TaintEffect = "NoSchedule" | "PreferNoSchedule" | "NoExecute";

export interface Taint {
  readonly key: string;
  /** Empty where it has none. */
  readonly value: string;
  readonly effect: TaintEffect;
}

/** 63 characters, the first and last a letter or digit (Kubernetes: "Labels and Selectors", syntax). */
const part = "[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?";
/** RFC 1123 subdomain, as Kubernetes wants the prefix of a key. */
const domain = "[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*";
const longestDomain = 253;

export const labelKeyPattern = `^(${domain}/)?${part}$`;
export const labelValuePattern = `^(${part})?$`;

const effects: readonly TaintEffect[] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** A label's key, with or without a prefix: `disk`, `example.org/rack`. Those that Kubernetes sets itself are refused. */
export function parseLabelKey(text: string): Parsed<string> {
  return refuseReserved("label", parseKey("label", text));
}

/** A label's value: at most 63 letters, digits and `-`, `_`, `.`; it may be empty. */
export function parseLabelValue(text: string): Parsed<string> {
  if (new RegExp(labelValuePattern).test(text)) return { value: text };
  const hint = "use at most 63 letters, digits, hyphens, underscores and dots, first and last a letter or digit";
  return { message: `${show(text)} cannot be the value of a label`, hint };
}

/** A taint as kubectl writes it: `KEY=VALUE:EFFECT`, or `KEY:EFFECT`. */
export function parseTaint(text: string): Parsed<Taint> {
  const [, name = "", value = "", word = ""] = /^([^=:]*)(?:=([^:]*))?:([^:]*)$/.exec(text) ?? [];
  const form = "write it as KEY=VALUE:EFFECT, such as gpu=yes:NoSchedule";
  if (name === "") return { message: `${show(text)} is not a taint`, hint: form };
  const effect = effects.find((known) => known === word);
  if (effect === undefined) {
    const meant = effects.find((known) => known.toLowerCase() === word.toLowerCase());
    const hint = meant === undefined ? `the effects are ${effects.join(", ")}` : `write ${meant}`;
    return { message: `${show(text)}: ${show(word)} is no effect of a taint`, hint };
  }
  const key = refuseReserved("taint", parseKey("taint", name));
  if (!("value" in key)) return key;
  const checked = parseLabelValue(value);
  if (!("value" in checked)) return { message: `${show(value)} cannot be the value of a taint`, hint: checked.hint };
  return { value: { key: key.value, value, effect } };
}

/** The taint in kubectl's form. */
export function printTaint({ key, value, effect }: Taint): string {
  return `${key}${value === "" ? "" : `=${value}`}:${effect}`;
}

function parseKey(what: string, text: string): Parsed<string> {
  const slash = text.indexOf("/");
  if (new RegExp(labelKeyPattern).test(text) && slash <= longestDomain) return { value: text };
  const hint =
    "use at most 63 letters, digits, hyphens, underscores and dots, first and last a letter or digit; before it may be a domain and a slash";
  return { message: `${show(text)} cannot be the key of a ${what}`, hint };
}

/**
 * The kubelet refuses labels of Kubernetes' own domains, and does not start (NodeRestriction); exempt are two domains
 * for such labels, and where a machine stands.
 */
function refuseReserved(what: string, parsed: Parsed<string>): Parsed<string> {
  if (!("value" in parsed)) return parsed;
  const key = parsed.value;
  const prefix = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
  const isOfKubernetes = /(^|\.)(kubernetes|k8s)\.io$/.test(prefix);
  const isOfK3s = /(^|\.)(k3s\.io|cattle\.io)$/.test(prefix);
  if (isOfK3s) {
    const hint = `use a prefix of your own, such as example.org/${key.slice(prefix.length + 1)}, or none`;
    return { message: `${show(key)}: k3s sets the ${what}s of ${prefix} itself`, hint };
  }
  if (!isOfKubernetes || open.has(key) || /(^|\.)(node|kubelet)\.kubernetes\.io$/.test(prefix)) return parsed;
  const hint =
    prefix === "node-role.kubernetes.io"
      ? `a node may not give itself a role: use another key, such as role${what === "label" ? `: ${key.slice(prefix.length + 1)}` : ""}`
      : `use a prefix of your own, such as example.org/${key.slice(prefix.length + 1)}, or none`;
  return { message: `${show(key)}: Kubernetes lets no node set the ${what}s of ${prefix} itself`, hint };
}

const open: ReadonlySet<string> = new Set(["topology.kubernetes.io/zone", "topology.kubernetes.io/region"]);
