import { renderSystem, type SystemLayer } from "../../../formats/alpine-system.ts";
import { imageTree } from "../../../formats/apkovl.ts";
import { type ApkovlInputs, type ApkovlOutputs, imageInputs } from "../../../providers/apkovl/inputs.ts";
import { shortDigest } from "../../../providers/digest.ts";
import { facts, hypervisorLayers } from "../../formats/alpine-samples.ts";

/** The image of a board that runs libvirt; with one more layer, if it is given. */
export function imageOf(...more: readonly (readonly [string, SystemLayer])[]): ApkovlInputs {
  const layers = [...hypervisorLayers, ...more.map(([name, layer]) => ({ name, layer }))];
  return {
    server: { connect: "local" },
    root: "/srv/http",
    owner: { site: "lab", id: "0a1b2c3d" },
    profile: "hypervisor-aarch64",
    released: facts.released,
    keep: 3,
    ...imageInputs(renderSystem(layers, facts)),
  };
}

/** What the state would have of an image, without publishing it. */
export function outputsOf({ server, root, owner, profile, image, keep }: ApkovlInputs): ApkovlOutputs {
  const tree = imageTree(profile);
  const digest = shortDigest({ server, root, owner, profile, image, keep });
  const published = { version: "1-0-00000000", manifest: "", claim: "00000000", lingering: [], drift: [] };
  return { schemaVersion: 1, server, root, owner, tree, names: [tree], profile, image, digest, ...published };
}
