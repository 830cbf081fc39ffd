import type { Draft } from "../draft.ts";
import { type ClusterDraft, groupsOf, type SlurmDraft } from "../draft-clusters.ts";
import { nearest } from "../nearest.ts";
import { type Finding, list, type Path, show, showPath } from "../problem.ts";

/** Clusters: groups, partitions, and the boards that VMs are pinned to. */
export function clusterRules({ clusters, boardNames }: Draft): Finding[] {
  return clusters.flatMap((cluster) => [
    ...(cluster.type === "slurm" ? [...atLeastOneGroup(cluster), ...partitionRules(cluster)] : []),
    ...pins(cluster).flatMap((pin) => unknownBoard(pin, boardNames)),
    ...groupsOf(cluster).flatMap(hostOrHosts),
  ]);
}

/** Mistakes that may be meant. */
export function clusterWarnings({ clusters }: Draft): Finding[] {
  return clusters.flatMap((cluster) => {
    if (cluster.type !== "slurm") return [];
    const { input, groups } = cluster;
    const partitions = Object.values(input.partitions ?? {});
    if (partitions.length === 0) return [];
    const used = new Set(partitions.flatMap(({ workers }) => workers));
    return groups
      .filter(({ name }) => !used.has(name))
      .map(({ path }) => ({
        rule: "group-in-no-partition",
        path,
        at: "key" as const,
        message: `${showPath(path)} is in no partition, so no job can run there`,
        hint: "add it to the workers of a partition",
      }));
  });
}

function atLeastOneGroup({ path, groups }: SlurmDraft): Finding[] {
  if (groups.length > 0) return [];
  const hint = "add one, such as n: { count: 2, memory: 1GiB, addresses: 10.20.0.101-10.20.0.119 }";
  return [{ rule: "no-workers", path: [...path, "workers"], message: `${showPath(path)} has no worker group`, hint }];
}

function partitionRules({ path, input, groups }: SlurmDraft): Finding[] {
  const partitions = Object.entries(input.partitions ?? {});
  const at = [...path, "partitions"];
  const groupNames = groups.map(({ name }) => name);
  const findings = partitions.flatMap(([name, partition]) =>
    partition.workers.flatMap((group, index): Finding[] => {
      const place = [...at, name, "workers", index];
      if (groupNames.includes(group)) {
        if (partition.workers.indexOf(group) === index) return [];
        const message = `${showPath([...at, name])} names group ${group} twice`;
        return [{ rule: "duplicate-group", path: place, message, hint: "keep one" }];
      }
      const message = `${showPath([...at, name])}: ${show(group)} is not a worker group of this cluster`;
      return [{ rule: "unknown-group", path: place, message, hint: knownNames(group, groupNames, "the groups are") }];
    }),
  );
  for (const [name] of partitions.filter(([name]) => name === "default")) {
    const message = "Slurm keeps the partition name default for itself";
    findings.push({
      rule: "reserved-name",
      path: [...at, name],
      at: "key",
      message,
      hint: "call it main, and add default: true",
    });
  }
  return [...findings, ...defaultPartition(at, partitions)];
}

function defaultPartition(
  at: Path,
  partitions: readonly [string, { default?: boolean | undefined; maxTime: number }][],
): Finding[] {
  const findings: Finding[] = [];
  for (const [name, { maxTime }] of partitions) {
    if (maxTime % 60 === 0) continue;
    const message = `${showPath([...at, name])}: ${maxTime}s is not a whole number of minutes, in which Slurm counts`;
    findings.push({
      rule: "bad-time",
      path: [...at, name, "maxTime"],
      message,
      hint: `write ${Math.ceil(maxTime / 60)}m`,
    });
  }
  const defaults = partitions.filter(([, partition]) => partition.default === true);
  const [first, second] = defaults;
  if (first !== undefined && second !== undefined) {
    const message = `${list(defaults.map(([name]) => name))} are all marked as the default partition`;
    findings.push({
      rule: "two-defaults",
      path: [...at, second[0], "default"],
      other: [...at, first[0], "default"],
      message,
      hint: "mark one",
    });
  }
  if (first === undefined && partitions.length > 1) {
    const message = `none of the partitions ${list(partitions.map(([name]) => name))} is the default, so jobs must always name one`;
    findings.push({ rule: "no-default", path: at, at: "key", message, hint: "add default: true to one of them" });
  }
  return findings;
}

interface Pin {
  readonly path: Path;
  readonly board: string;
}

function pins(cluster: ClusterDraft): Pin[] {
  const own = cluster.type === "slurm" ? cluster.input.controller.host : undefined;
  return [
    ...(own === undefined ? [] : [{ path: [...cluster.path, "controller", "host"], board: own }]),
    ...groupsOf(cluster).flatMap(({ path, input: { host, hosts = [] } }) => [
      ...(host === undefined ? [] : [{ path: [...path, "host"], board: host }]),
      ...hosts.map((board, index) => ({ path: [...path, "hosts", index], board })),
    ]),
  ];
}

function unknownBoard({ path, board }: Pin, boardNames: readonly string[]): Finding[] {
  if (boardNames.includes(board)) return [];
  const hint = knownNames(board, boardNames, "the boards are");
  return [{ rule: "unknown-board", path, message: `${showPath(path)}: there is no board ${show(board)}`, hint }];
}

function hostOrHosts({ path, input }: ReturnType<typeof groupsOf>[number]): Finding[] {
  if (input.host === undefined || input.hosts === undefined) return [];
  const message = `${showPath(path)} has both host and hosts`;
  return [
    {
      rule: "host-and-hosts",
      path: [...path, "host"],
      at: "key",
      other: [...path, "hosts"],
      message,
      hint: "keep one of them",
    },
  ];
}

function knownNames(name: string, known: readonly string[], introduction: string): string {
  const meant = nearest(name, known);
  return `${meant === undefined ? "" : `did you mean ${meant}? `}${introduction} ${list(known, 10)}`;
}
