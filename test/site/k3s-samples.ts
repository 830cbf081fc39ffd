import assert from "node:assert/strict";
import type { K3sCluster } from "../../site/model.ts";
import { placesOf, problemsOf, siteOf } from "./shelf.ts";

/** A right site with a k3s cluster of three servers; tests change one thing in it. */
export const web = `site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1, dns: [192.168.7.1] }
boards:
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
  pi3: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa03", mac: "dc:a6:32:00:00:03", address: 10.20.0.13 }
storage:
  shelf: { address: 192.168.9.6 }
clusters:
  web:
    type: k3s
    version: v1.35.0+k3s3
    endpoint: 10.20.0.20
    servers: { count: 3, memory: 2GiB, addresses: 10.20.0.21-10.20.0.25 }
    agents:
      n: { count: 2, memory: 1GiB, addresses: 10.20.0.31-10.20.0.38, labels: { disk: ssd }, taints: ["gpu=yes:NoSchedule"] }
    storage: shelf
`;

export type Edit = readonly [from: string, to: string];

/** The same with pieces of its text replaced. */
export function webWith(...edits: readonly Edit[]): string {
  return edits.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the text has no ${JSON.stringify(from)}`);
    return text.replace(from, () => to);
  }, web);
}

/** One server, without an endpoint. */
export const alone: readonly Edit[] = [
  ["    endpoint: 10.20.0.20\n", ""],
  ["count: 3", "count: 1"],
];

/** Keys of config.yaml. */
export const config = (who: "servers" | "agents", keys: string): Edit => [
  "    storage: shelf",
  `    config: { ${who}: { ${keys} } }\n    storage: shelf`,
];
/** Other keys of the cluster. */
export const more = (keys: string): Edit => ["    storage: shelf", `    ${keys}\n    storage: shelf`];

export function clusterOf(text: string): K3sCluster {
  const [cluster] = siteOf(text).clusters;
  assert.ok(cluster?.type === "k3s");
  return cluster;
}

/** A test that an edited site has problems at these places, the first in these words. */
export function refuses(
  sentence: string,
  edits: readonly Edit[],
  places: readonly string[],
  ...words: readonly RegExp[]
) {
  it(`refuses ${sentence}`, () => {
    const text = webWith(...edits);
    assert.deepEqual(placesOf(text), places);
    const [first] = problemsOf(text);
    for (const word of words) assert.match(`${first?.message} → ${first?.hint}`, word);
  });
}
