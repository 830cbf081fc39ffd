import { overlayMistakes } from "../../formats/alpine-overlay-rules.ts";
import { imageFile, type OverlayEntry, type RenderedSystem, withImageFile } from "../../formats/alpine-system.ts";
import { imageGeneration, imageName, imageTree, overlayId, releaseTime } from "../../formats/apkovl.ts";
import { hasUnknown } from "../tftp-tree/digest.ts";
import {
  type CheckFailure,
  checkInputs as checkTree,
  type PublishedTree,
  type TftpTreeInputs,
  type TreePlace,
} from "../tftp-tree/inputs.ts";

/** The entries of an image, so that a preview shows which rendered file changes, as text. */
export interface ImageInputs {
  /** SHA-256 over the entries, in hex. (A property called `id` would never reach the provider.) */
  readonly image: string;
  /** Texts by path, without a slash before. */
  readonly files: Readonly<Record<string, string>>;
  /** Mode and owner by path, as `0755 0:0`, of files that are not {@link usualAttributes}. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Targets of symbolic links by path. */
  readonly links: Readonly<Record<string, string>>;
}

/** An image, and the HTTP root that boards fetch it from. */
export interface ApkovlInputs extends TreePlace, ImageInputs {
  /** Role and architecture, as hypervisor-aarch64. */
  readonly profile: string;
  /** Date of the Alpine release, as 2026-11-05: the age of all that is in it. */
  readonly released: string;
  /** How many generations stay on the server, with the one that is served. */
  readonly keep: number;
}

/** What the state holds of an image. Its texts are in the inputs. */
export interface ApkovlOutputs extends PublishedTree {
  readonly schemaVersion: 1;
  readonly profile: string;
  readonly image: string;
  /** Tells these inputs from others. */
  readonly digest: string;
}

export const usualAttributes = "0644 0:0";

/** The inputs that a rendered system is. The file with the id is left out: it follows from the rest. */
export function imageInputs({ entries, id }: RenderedSystem): ImageInputs {
  const files = entries.filter((entry) => entry.kind === "file").filter(({ path }) => path !== imageFile);
  const links = entries.filter((entry) => entry.kind === "link");
  const attributes = files.map(({ path, mode, uid, gid }) => [path, printAttributes(mode, uid, gid)] as const);
  return {
    image: id,
    files: Object.fromEntries(files.map(({ path, text }) => [path, text])),
    attributes: Object.fromEntries(attributes.filter(([, text]) => text !== usualAttributes)),
    links: Object.fromEntries(links.map(({ path, target }) => [path, target])),
  };
}

/** All entries of an image, by path. Attributes that cannot be read are the usual ones: `check` has refused them. */
export function imageEntries(inputs: ImageInputs): OverlayEntry[] {
  return withImageFile(ownEntries(inputs), inputs.image);
}

/** All that is wrong with an image; nothing is asked of the server. */
export function checkInputs(inputs: ApkovlInputs): CheckFailure[] {
  const { profile } = inputs;
  const isName = /^[a-z0-9][a-z0-9._-]{0,62}$/.test(profile);
  const place = checkTree(asTree(inputs)).filter(({ property }) => property === "root" || property === "keep");
  const name = `${JSON.stringify(profile)} is no name of a profile: use small letters, digits, - . and _`;
  const named = isName ? [] : [{ property: "profile", reason: name }];
  return [...named, ...place, ...releaseFailures(inputs), ...contentFailures(inputs)];
}

function ownEntries({ files, attributes, links }: ImageInputs): OverlayEntry[] {
  return [
    ...Object.entries(files).map(([path, text]): OverlayEntry => {
      return { kind: "file", path, text, ...(parseAttributes(attributes[path] ?? usualAttributes) ?? usual) };
    }),
    ...Object.entries(links).map(([path, target]): OverlayEntry => ({ kind: "link", path, target })),
  ];
}

function contentFailures(inputs: ApkovlInputs): CheckFailure[] {
  const { image, files, attributes, links, released } = inputs;
  if (hasUnknown({ image, files, attributes, links, released })) return [];
  const wrong = Object.entries(attributes).flatMap(([path, text]) => {
    if (!Object.hasOwn(files, path)) return [`${path}: attributes are given, and no file`];
    if (parseAttributes(text) !== undefined) return [];
    return [`${path}: ${JSON.stringify(text)} are no attributes: write mode and owner as ${usualAttributes}`];
  });
  if (Object.hasOwn(files, imageFile)) wrong.push(`${imageFile} is made from the image's id: leave it out`);
  const entries = ownEntries(inputs);
  const failures = [
    ...wrong.map((reason) => ({ property: "attributes", reason })),
    ...overlayMistakes(entries).map(({ path, reason }) => ({
      property: Object.hasOwn(links, path) ? "links" : "files",
      reason,
    })),
  ];
  const id = overlayId(entries, released);
  if (failures.length > 0 || id === image) return failures;
  const reason = `these entries are the image ${id}, not ${JSON.stringify(image)}: give all that imageInputs returns`;
  return [{ property: "image", reason }];
}

function releaseFailures({ released }: ApkovlInputs): CheckFailure[] {
  if (hasUnknown(released)) return [];
  try {
    releaseTime(released);
    return [];
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return [{ property: "released", reason: error.message }];
  }
}

/** The tree that an image is published as. */
function asTree({ server, root, owner, profile, keep, image }: ApkovlInputs): TftpTreeInputs {
  const [tree, generation] = [imageTree(profile), imageGeneration(image)];
  const blobs = { [`${generation}/${imageName(profile)}`]: image };
  return { server, root, owner, tree, names: [tree], generation, files: {}, blobs, keep };
}

const usual = { mode: 0o644, uid: 0, gid: 0 } as const;

function printAttributes(mode: number, uid: number, gid: number): string {
  return `0${mode.toString(8).padStart(3, "0")} ${uid}:${gid}`;
}

function parseAttributes(text: string): { mode: number; uid: number; gid: number } | undefined {
  const match = /^0([0-7]{3}) (\d{1,5}):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, mode = "", uid, gid] = match;
  return { mode: Number.parseInt(mode, 8), uid: Number(uid), gid: Number(gid) };
}
