import { structuredPatch } from "diff";
import type { Change } from "./changes.ts";
import { type Content, contentOf } from "./content.ts";
import type { MachineFile, Setting } from "./model.ts";

export interface Differences {
  readonly files: readonly MachineFile[];
  readonly settings: readonly Setting[];
  readonly secrets: readonly string[];
}

/** How the rendered texts and the settings of a resource differ. Of what is new or removed, files are only counted. */
export function differencesOf({ type, kind, old, new: next, differs }: Change): Differences {
  if (kind === "same") return { files: [], settings: [], secrets: [] };
  const before = contentOf(type, old?.inputs ?? {});
  const after = contentOf(type, next?.inputs ?? {});
  if (kind === "create" || kind === "delete") {
    const count = Math.max(before.texts.size, after.texts.size);
    const files = `${count} ${count === 1 ? "file" : "files"}`;
    const [was, is] = kind === "create" ? [null, files] : [files, null];
    return { files: [], settings: count === 0 ? [] : [{ setting: "with", before: was, after: is }], secrets: [] };
  }
  return {
    files: filesThatDiffer(before, after),
    settings: settingsThatDiffer(before, after),
    secrets: differs.filter((path) => isSecretOf(path, old?.inputs) || isSecretOf(path, next?.inputs)).map(nameOf),
  };
}

/** The lines that differ, with those around them. */
export function diffOf(before: string, after: string): string {
  const { hunks } = structuredPatch("", "", before, after, "", "", { context: 2 });
  return hunks.map(({ lines }) => lines.filter((line) => !line.startsWith("\\")).join("\n")).join("\n  …\n");
}

function filesThatDiffer(before: Content, after: Content): MachineFile[] {
  const all = [...new Set([...before.texts.keys(), ...after.texts.keys()])];
  return all.flatMap((file): MachineFile[] => {
    // A text of one line that grows, or shrinks to one, stands among the settings on the other side.
    const old = before.texts.get(file) ?? before.settings.get(file);
    const next = after.texts.get(file) ?? after.settings.get(file);
    if (old === next || before.unknown.has(file) || after.unknown.has(file)) return [];
    const change = old === undefined ? "new" : next === undefined ? "removed" : "changed";
    return [{ file, change, diff: diffOf(old ?? "", next ?? "") }];
  });
}

function settingsThatDiffer(before: Content, after: Content): Setting[] {
  const all = [...new Set([...before.settings.keys(), ...after.settings.keys()])];
  return all.flatMap((setting): Setting[] => {
    const elsewhere = [before, after].some(({ texts, unknown }) => texts.has(setting) || unknown.has(setting));
    if (elsewhere) return [];
    const old = before.settings.get(setting) ?? null;
    const next = after.settings.get(setting) ?? null;
    return old === next ? [] : [{ setting, before: old, after: next }];
  });
}

/** Whether the engine masks what stands at this path. */
function isSecretOf(path: string, inputs: unknown): boolean {
  let value = inputs;
  for (const key of path.split(".")) {
    if (typeof value !== "object" || value === null) return false;
    value = Reflect.get(value, key);
  }
  return value === "[secret]";
}

function nameOf(path: string): string {
  return (path.split(".").at(-1) ?? path)
    .replace(/^BRAMBLE_/, "")
    .toLowerCase()
    .replaceAll("_", "-");
}
