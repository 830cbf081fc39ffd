import assert from "node:assert/strict";
import { type Case, judged, refusals, refusedUnlessAllowed } from "./change.ts";

const boards = ["pc1", "pc2", "pc3", "pc4", "pc5"].map(
  (name, index) =>
    `  ${name}: { model: pc, cores: 8, memory: 16GiB, address: 10.20.0.${index + 5}, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f }\n`,
);
/** A cluster whose servers choose among the hosts; with as many of both, each has one to itself. */
const servers = (count: number, hosts: string, more = "") => `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
${boards.join("")}clusters:
  web:
    type: k3s
    version: v1.35.0+k3s3
    endpoint: 10.20.0.20
    servers: { count: ${count}, addresses: 10.20.0.21-10.20.0.25, memory: 2GiB, hosts: [${hosts}] }
    agents: { n: { count: 1, addresses: 10.20.0.31-10.20.0.38, memory: 1GiB, hosts: [pc5] } }
${more}`;
const three = servers(3, "pc1, pc2, pc3");
const disposable = (text: string) => text.replace("type: k3s", "type: k3s\n    disposable: true");
const gone = (text: string) => text.replace(/clusters:[\s\S]*/, "");
const images = [{ image: "debian-13-old" }, { image: "debian-13-new" }] as const;
const slurm = gone(three).concat(
  "clusters: { web: { type: slurm, disposable: true, controller: { address: 10.20.0.21, memory: 1GiB }, workers: { n: { count: 1, memory: 1GiB, addresses: 10.20.0.31-10.20.0.38 } } } }\n",
);

const refused: readonly Case[] = [
  {
    what: "three servers made one",
    rule: "quorum-lost",
    before: three,
    after: servers(1, "pc1, pc2, pc3"),
    says: /^[23] of the 3 servers of web would go or be made again at once \(.*web-server2 and web-server3\), which leaves [01], and its database needs 2 to answer → change at most 1 server in one `up`, and the next when it has joined again/,
  },
  {
    what: "two of three servers that move",
    rule: "quorum-lost",
    before: servers(3, "pc1, pc2, pc3"),
    after: servers(3, "pc3, pc4, pc5"),
    says: /^[23] of the 3 servers of web .* which leaves [01]/,
  },
  {
    what: "another image for all servers",
    rule: "quorum-lost",
    before: servers(5, "pc1, pc2, pc3"),
    after: servers(5, "pc1, pc2, pc3"),
    worlds: images,
    says: /^5 of the 5 servers .* needs 3 to answer → change at most 2 servers in one `up`, and the next when they have joined again/,
  },
  {
    what: "three servers that go with their cluster",
    rule: "quorum-lost",
    before: three,
    after: gone(three),
    says: /^3 of the 3 servers of web would go/,
  },
  {
    what: "the data disk of the only server",
    rule: "data-lost",
    before: servers(1, "pc1"),
    after: servers(1, "pc2"),
    says: /^web-server1 has its data disk of \d+GiB at pc1:.*, and would get another/,
  },
  {
    what: "another token",
    rule: "cluster-broken",
    before: three,
    after: `${three}keys: { epoch: { k3sToken: 2 } }\n`,
    says: /^the token \(keys.epoch.k3sToken\) of web would be others, and its nodes would not know each other any more → put them back/,
  },
  {
    what: "other authorities and other networks",
    rule: "cluster-broken",
    before: three,
    after: `${three}    pods: 10.44.0.0/16\nkeys: { epoch: { k3sCa: 2 } }\n`,
    says: /^the certificate authorities \(keys.epoch.k3sCa\) and network of the pods of web/,
  },
  {
    what: "an older release",
    rule: "cluster-broken",
    before: three,
    after: three.replace("v1.35.0+k3s3", "v1.34.1+k3s1"),
    says: /^web would go from v1.35.0\+k3s3 to v1.34.1\+k3s1, .* never back → keep v1.35.0\+k3s3/,
  },
  {
    what: "a release that leaves one out",
    rule: "cluster-broken",
    before: three,
    after: three.replace("v1.35.0+k3s3", "v1.37.0+k3s1"),
    says: /to v1.37.0\+k3s1, .* → go to the newest release of 1.36 first/,
  },
  {
    what: "a VM of the same name in a cluster of another type",
    rule: "disk-shared",
    before: disposable(three),
    after: slurm,
    says: /^web-n1 would be two VMs with the same disks and addresses, that of the k3s cluster web, which goes, and that of the slurm cluster web, which comes → /,
  },
];

describe("a change of a k3s cluster", () => {
  for (const refusal of refused) {
    it(`is refused for ${refusal.what}, and allowed by its word and no other: ${refusal.rule}`, () =>
      refusedUnlessAllowed(refusal));
  }

  const fine: readonly (readonly [what: string, before: string, after: string])[] = [
    ["one server made three", servers(1, "pc1, pc2, pc3"), three],
    ["five servers made three", servers(5, "pc1, pc2, pc3"), three],
    ["one of three servers that moves", servers(3, "pc1, pc2, pc3"), servers(3, "pc2, pc3, pc4")],
    ["the next release", three, three.replace("v1.35.0+k3s3", "v1.36.2+k3s1")],
    ["a cluster that goes and is disposable", disposable(three), gone(three)],
  ];
  for (const [what, before, after] of fine) {
    it(`is not refused for ${what}`, () => assert.deepEqual(refusals(judged(before, after)), []));
  }
});
