import { pack } from "tar-stream";
import { fileMode, folderMode, type Part } from "./folder.ts";

/** An archive that makes all parts, in their order, when it is unpacked in the folder that their paths are relative to. */
export async function tar(parts: readonly Part[]): Promise<Buffer> {
  const archive = pack();
  for (const part of parts) {
    const { path: name } = part;
    if (part.kind === "folder") archive.entry({ name, type: "directory", mode: folderMode });
    else if (part.kind === "file") archive.entry({ name, mode: fileMode }, Buffer.from(part.content));
    else if (part.kind === "link") archive.entry({ name, type: "symlink", linkname: part.target });
    else archive.entry({ name, type: "link", linkname: part.to });
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
