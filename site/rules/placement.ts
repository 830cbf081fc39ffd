import type { Site } from "../model.ts";
import { type Finding, list } from "../problem.ts";

/** What a finished placement gives to think about. */
export function placementWarnings({ clusters, vms, hosts }: Site): Finding[] {
  const archOf = new Map(hosts.map(({ name, arch }) => [name, arch]));
  return clusters.flatMap(({ name, type, groups }) =>
    // Pods come as images, which there are for both kinds.
    (type === "slurm" ? groups : []).flatMap((group): Finding[] => {
      const members = vms.filter((vm) => vm.cluster === name && vm.group === group.name);
      const kinds = [...new Set(members.map(({ host }) => archOf.get(host) ?? "unknown"))].sort();
      if (kinds.length < 2) return [];
      const message = `the workers of group ${group.name} run on ${list(kinds)} hosts; a program built on one does not run on the other`;
      return [
        {
          rule: "mixed-processors",
          path: ["clusters", name, "workers", group.name],
          at: "key",
          message,
          hint: "name hosts of one kind: hosts: […]",
        },
      ];
    }),
  );
}
