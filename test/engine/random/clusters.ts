import fc from "fast-check";
import { ed25519Key } from "../../site/shelf.ts";
import { at, board, boardEdits, network as boardNetwork, boot } from "./boards.ts";
import { type Document, type Edit, maybe, nextKey, oneKey, some } from "./histories.ts";

type Clusters = NonNullable<Document["clusters"]>;
type Slurm = Clusters[string] & { type: "slurm" };
type K3s = Clusters[string] & { type: "k3s" };

/** What is pinned for k3s clusters, from which they may go up. */
export const k3sVersions = ["v1.34.3+k3s1", "v1.35.0+k3s3"] as const;

const memory = fc.constantFrom("1GiB", "1536MiB", "2GiB");
const cpus = fc.integer({ min: 1, max: 2 });
const timeout = maybe(fc.record({ timeout: fc.constantFrom("1m", "1h") }));
const hosts = maybe(fc.constantFrom("pc1", "pc2", "pi1"));

/** A cluster's addresses begin with its first. */
const range = (first: number, last: number) => `10.20.0.${first}-10.20.0.${last}`;

function slurm(first: number): fc.Arbitrary<Slurm> {
  const group = (from: number) =>
    fc.record({
      ...{ count: fc.nat(3), memory, cpus, host: hosts },
      addresses: fc.constantFrom(range(from, from + 3), range(from, from + 4)),
    });
  return fc.record({
    type: fc.constant("slurm" as const),
    disposable: fc.constant(true),
    controller: fc.record({
      address: fc.constant(`10.20.0.${first}`),
      memory,
      cpus,
      host: hosts,
      data: fc.constantFrom("8GiB", "9GiB"),
    }),
    workers: fc.record({ n: group(first + 1), big: group(first + 6) }, { requiredKeys: ["n"] }),
    partitions: maybe(
      fc.record({
        main: fc.record({
          workers: fc.constant(["n"]),
          maxTime: fc.constantFrom("24h", "30m"),
          default: fc.constant(true),
        }),
      }),
    ),
    drain: timeout,
  });
}

function k3s(first: number): fc.Arbitrary<K3s> {
  const servers = fc.record({
    count: fc.constantFrom(1, 3),
    memory: fc.constant("2GiB"),
    cpus,
    addresses: fc.constant(range(first + 1, first + 5)),
  });
  const agents = fc.record({
    ...{ count: fc.nat(2), memory, cpus, host: hosts },
    addresses: fc.constant(range(first + 11, first + 14)),
    labels: maybe(fc.constantFrom({ disk: "ssd" }, { disk: "hdd", zone: "a" })),
    taints: maybe(some("gpu=yes:NoSchedule")),
  });
  return fc.record({
    type: fc.constant("k3s" as const),
    disposable: fc.constant(true),
    version: fc.constantFrom(...k3sVersions),
    endpoint: fc.constant(`10.20.0.${first}`),
    servers,
    agents: fc.record({ n: agents }),
    storage: maybe(fc.constant("shelf")),
    drain: timeout,
  });
}

/** Clusters by name; those of one name are always of one type, and have addresses of their own. */
const kinds: readonly (readonly [string, fc.Arbitrary<Clusters[string]>])[] = [
  ["physics", slurm(100)],
  ["maths", slurm(115)],
  ["web", k3s(130)],
  ["shop", k3s(150)],
];
const cluster = fc.constantFrom(...kinds).chain(([name, kind]) => fc.tuple(fc.constant(name), kind));

const network = fc
  .tuple(boardNetwork, fc.record({ dns: maybe(some("10.20.0.1", "9.9.9.9")) }))
  .map(([network, more]) => ({ ...network, ...more }));

const user = fc.record({ uid: fc.integer({ min: 2001, max: 2003 }), keys: some(`${ed25519Key()} desk`) });

/** A site with PCs and boards that run the VMs of a cluster or two, and a boot server that is looked after. */
export function clusterSites(): fc.Arbitrary<Document> {
  const tower = { model: "pc", role: "boot-server", memory: "4GiB", connect: "local", address: "10.20.0.5" } as const;
  const pcs = ["pc1", "pc2", "pc3"].map((name, index) => [
    name,
    { model: "pc", cores: 8, memory: "16GiB", address: `10.20.0.${21 + index}`, hostKey: ed25519Key() },
  ]);
  const pi = board.map((board) => at(1, { ...board, role: "hypervisor", drive: "usb-A-part1" }));
  const clusters = fc.uniqueArray(cluster, { selector: ([name]) => name, minLength: 1, maxLength: 2 });
  return fc.tuple(pi, clusters, boot, network).map(([pi1, clusters, boot, network]) => ({
    network: { cidr: "10.20.0.0/24", gateway: "10.20.0.1", ...network },
    boot: { server: "tower", ...boot },
    boards: { tower, pi1, ...Object.fromEntries(pcs) },
    storage: { shelf: { address: "10.20.0.6" } },
    clusters: Object.fromEntries(clusters),
    limits: { moves: 100, boards: 100 },
  }));
}

/** What happens to clusters, their hosts and their users, and to boards. */
export function clusterEdits(): fc.Arbitrary<Edit> {
  const oneOf = kinds.map(([name, kind]) => oneKey(kind).map(({ key, patch }) => ({ name, key, patch })));
  return fc.oneof(
    cluster.map(([name, cluster]) =>
      onClusters("a cluster that is new in its place", (all) => ({ ...all, [name]: cluster })),
    ),
    fc.constantFrom(...kinds).map(([name]) => onClusters("a cluster less", ({ [name]: _, ...others }) => others)),
    {
      weight: 12,
      arbitrary: fc.oneof(...oneOf).map(({ name, key, patch }) =>
        onClusters(`another ${key} of ${name}`, (all) => {
          const old = all[name];
          return old === undefined ? all : { ...all, [name]: { ...old, ...patch } as Clusters[string] };
        }),
      ),
    },
    fc.tuple(fc.constantFrom("alice", "bob"), maybe(user)).map(([name, user]) => ({
      what: "another user",
      apply: ({ users, ...site }: Document) => {
        const { [name]: _, ...others } = users ?? {};
        return { ...site, users: user === undefined ? others : { ...others, [name]: user } };
      },
    })),
    fc
      .tuple(fc.constantFrom("pc1", "pc2", "pc3"), fc.constantFrom(undefined, "shelf", "/srv/disks"))
      .map(([name, storage]) => ({
        what: "another storage of a host",
        apply: (site: Document) => {
          const host = site.boards[name];
          return host === undefined ? site : { ...site, boards: { ...site.boards, [name]: { ...host, storage } } };
        },
      })),
    fc.constantFrom("router" as const, "proxy" as const, "own" as const).map((dhcp) => ({
      what: "another boot.dhcp",
      apply: (site: Document) => (site.boot === undefined ? site : { ...site, boot: { ...site.boot, dhcp } }),
    })),
    nextKey("sshHostKey", "deployKey", "mungeKey"),
    boardEdits(),
  );
}

function onClusters(what: string, change: (clusters: Clusters) => Clusters): Edit {
  return { what, apply: (site) => ({ ...site, clusters: change(site.clusters ?? {}) }) };
}
