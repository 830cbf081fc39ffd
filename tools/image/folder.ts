import { workFolder } from "../lib/paths.ts";

/** Where the guest images of this machine are. */
export const imagesFolder = `${workFolder}/images`;

/** Where an image is kept, as an absolute path. */
export function imageFolder(name: string): string {
  return `${imagesFolder}/${name}`;
}
