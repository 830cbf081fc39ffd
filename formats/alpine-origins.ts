import { byName, type Chosen, type MergedLayers, runlevels } from "./alpine-layers.ts";

/** Lines of a file, those of a layer together below its name. Layers are in the order of their names. */
export function printByLayer(lines: readonly { readonly line: string; readonly from: string }[]): string {
  const layers = [...new Set(lines.map(({ from }) => from))].sort();
  const groups = layers.map((layer) => {
    const own = lines.filter(({ from }) => from === layer).map(({ line }) => `${line}\n`);
    return `# ${layer}\n${own.join("")}`;
  });
  return groups.join("");
}

/** Which layer each part of a system is from, and what it replaces, one line for each; for people who look. */
export function printOrigins({ packages, services, files, users, sysctls, modules }: MergedLayers): string {
  const kinds: readonly (readonly [string, ReadonlyMap<string, Chosen<unknown>>])[] = [
    ["file", files],
    ["module", modules],
    ["package", packages],
    ...runlevels.map((runlevel) => [`service ${runlevel}`, services[runlevel]] as const),
    ["sysctl", sysctls],
    ["user", users],
  ];
  const lines = kinds.flatMap(([kind, parts]) =>
    [...parts].sort(byName).map(([name, { from, over }]) => {
      const instead = over.length === 0 ? "" : `, instead of ${over.join(" and ")}`;
      return `${kind} ${name}: ${from}${instead}\n`;
    }),
  );
  return `# Which layer each part of this image is from\n${lines.join("")}`;
}
