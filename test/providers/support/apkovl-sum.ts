// Prints the SHA-256 of two overlays: one like a board's, and a larger one that is hard to compress.
import { createHash } from "node:crypto";
import { apkovl } from "../../../formats/apkovl.ts";
import { facts, hypervisor } from "../../formats/alpine-samples.ts";

const digits = Array.from({ length: 20_000 }, (_, index) => createHash("md5").update(`${index}`).digest("base64"));
const large = { kind: "file", path: "opt/digits", text: digits.join("\n"), mode: 0o644, uid: 0, gid: 0 } as const;
for (const entries of [hypervisor().entries, [large]]) {
  console.log(
    createHash("sha256")
      .update(await apkovl(entries, facts))
      .digest("hex"),
  );
}
