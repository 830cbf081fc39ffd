import * as z from "zod";

/** Raised when a field changes its meaning or goes away; new fields come without. */
export const statusFormat = 1;

const time = z.iso.datetime().describe("in UTC");

const state = z
  .enum(["current", "behind", "degraded", "unclear", "off", "not-asked", "lost"])
  .describe(
    "current: it runs what it should. behind: it works, and runs something else until `up`, a reboot or both. degraded: it " +
      "answers and is not as it should be. unclear: it works, and what it should run can't be asked. off: nobody answers. " +
      "not-asked: Bramble does not log in to it. lost: the site file says that it never comes back.",
  );

const stage = z.strictObject({
  stage: z.enum(["dhcp", "tftp", "http", "identity", "ready"]),
  from: time,
  to: time,
  outcome: z.enum(["done", "warning", "failed"]),
  words: z.string().describe("what was seen, in one line; anybody on the network can have caused what logs say"),
});

const machine = {
  name: z.string(),
  address: z.string().optional(),
  state,
  words: z.string().describe("why it is in this state; empty where there is nothing to say"),
  upSince: time.optional().describe("when it was last switched on or rebooted"),
};

const board = z.strictObject({
  ...machine,
  model: z.string(),
  roles: z.array(z.string()),
  planned: z.string().optional().describe("the generation that the site file and the lock make for it"),
  published: z.string().optional().describe("the generation that it boots next"),
  runs: z
    .string()
    .optional()
    .describe("the generation that it says it runs; of others than network boards, their system"),
  system: z.string().optional().describe("operating system and kernel"),
  timeline: z.array(stage).describe("its last boot, the first stage first; of boards that boot over the network"),
});

const vm = z.strictObject({
  ...machine,
  host: z.string(),
  cluster: z.string(),
  role: z.string(),
  planned: z.string().describe("the image that it is to run"),
  runs: z.string().optional().describe("the image that it says it runs"),
  domain: z.string().optional().describe("what libvirt on its host says: running, shut off, missing …"),
  node: z.string().optional().describe("what its cluster's controller says of it: idle, drained, Ready …"),
});

const cluster = z.strictObject({
  name: z.string(),
  type: z.string(),
  controller: z.string().optional(),
  words: z.string().describe("why it can't be asked; empty where it answers"),
});

const storage = z.strictObject({
  name: z.string(),
  address: z.string(),
  server: z.string().optional().describe("the board that serves it; missing where somebody else's machine does"),
  clients: z.array(z.string()),
});

export const statusSchema = z.strictObject({
  format: z.literal(statusFormat),
  stack: z.string(),
  site: z.string(),
  askedAt: time,
  network: z.string(),
  problems: z.array(z.string()).describe("what could not be found out, such as why the boot server can't be asked"),
  bootServer: z.string().optional(),
  boards: z.array(board),
  vms: z.array(vm),
  clusters: z.array(cluster),
  storages: z.array(storage),
});

/** A site as it was found, in the form that `status --json` prints. */
export type Status = z.infer<typeof statusSchema>;
export type BoardStatus = z.infer<typeof board>;
export type VmStatus = z.infer<typeof vm>;
export type State = z.infer<typeof state>;
export type Stage = z.infer<typeof stage>;

/** The JSON Schema of what `status --json` prints. */
export function statusJsonSchema(): object {
  return z.toJSONSchema(statusSchema);
}

/** Seconds since 1970 as the model has times. */
export function isoTime(seconds: number): string {
  return new Date(Math.round(seconds) * 1000).toISOString();
}
