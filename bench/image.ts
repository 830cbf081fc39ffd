import { imageName } from "../images/name.ts";
import { machineArch } from "../images/recipe.ts";
import { readImage } from "../tools/image/ensure.ts";
import { imageFolder } from "../tools/image/folder.ts";
import type { Figure } from "./table.ts";
import { timeScript } from "./timed.ts";

/** How long the guest image takes to build, and how large it is; packages come from wherever the machine gets them. */
export async function imageFigures(runs: number, again: boolean): Promise<Figure[]> {
  const time = { name: "guest image, build", unit: "s", target: 90 } as const;
  const size = { name: "guest image, compressed", unit: "MB", target: 250 } as const;
  const seconds = again ? await timeScript("bramble", ["image", "build", "--again"], runs) : [];
  const image = await readImage(imageFolder(imageName(machineArch())));
  if (image === undefined) {
    const note = "no image yet: `npm run bramble -- image build`";
    return [
      { ...time, values: [], note },
      { ...size, values: [], note },
    ];
  }
  const bytes = Object.values(image.files).reduce((sum, file) => sum + file.bytes, 0);
  return [
    again ? { ...time, values: seconds } : { ...time, values: [image.seconds], note: "the last build, by its record" },
    { ...size, values: [bytes / 1e6], note: "disk, kernel and initial RAM disk" },
  ];
}
