import type { TftpTreeInputs } from "./inputs.ts";

/** Stands for the generation in paths and texts. */
export const generationWord = "{generation}";

/**
 * Inputs with the generation in its place. What is given to a tree, and shown in a preview, has a word for it: else one
 * other line would show as all paths and texts that are named after it.
 */
export function withGeneration<Inputs extends Pick<TftpTreeInputs, "generation" | "files" | "blobs">>(
  inputs: Inputs,
): Inputs {
  const { generation, files, blobs } = inputs;
  const put = (text: string) => text.replaceAll(generationWord, generation);
  return {
    ...inputs,
    files: Object.fromEntries(Object.entries(files).map(([path, text]) => [put(path), put(text)])),
    blobs: Object.fromEntries(Object.entries(blobs).map(([path, sha256]) => [put(path), sha256])),
  };
}
