/** Path and SHA-256 of each file of a version. */
export type Manifest = ReadonlyMap<string, string>;

/** The text of a manifest, as sha256sum(1) prints it: `cd VERSION && sha256sum -c ../VERSION.sha256` says what differs. */
export function printManifest(files: readonly { readonly path: string; readonly sha256: string }[]): string {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  return sorted.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join("");
}

export function parseManifest(text: string): Manifest {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => [line.slice(66), line.slice(0, 64)]));
}
