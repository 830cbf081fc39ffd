import { equal, match, notEqual } from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { variables } from "../../providers/steps/environment.ts";
import type { NfsServerSpec } from "../../providers/steps/storage-spec.ts";
import { type PrivateMachine, startPrivateMachine } from "../doubles/private-machine.ts";
import { ownFolders } from "./support/boot-machine.ts";

const step = fileURLToPath(new URL("../../providers/steps/main.ts", import.meta.url));
const marker = "0123abcd-shelf";

/** What it refuses before it changes anything; that it serves, test/e2e proves on a kernel with an NFS server. */
describe("a machine is not made the server of a storage", () => {
  const disk = `/var/tmp/bramble-nfs-${randomBytes(4).toString("hex")}`;
  let machine: PrivateMachine;
  const run = async (script: string) => {
    const { code, stdout, stderr } = await machine.run(["sh", "-ec", script]);
    equal(code, 0, stderr);
    return stdout.trim();
  };
  const refusal = async (wish: Partial<NfsServerSpec>) => {
    const spec: NfsServerSpec = {
      ...{ site: "home", name: "shelf", path: `${disk}/storage`, marker, server: { connect: "local" }, lost: [] },
      ...wish,
    };
    const env = { ...process.env, [variables.storage]: JSON.stringify(spec) };
    const { code, stderr } = await machine.run([process.execPath, step, "nfs-server", "apply"], { env });
    notEqual(code, 0, "it was made one");
    return stderr;
  };

  before(async () => {
    machine = await startPrivateMachine({ name: "nas" });
    await run(`${ownFolders}\nmkdir -p ${disk}`);
  });
  after(async () => {
    await machine?.run(["rm", "-rf", disk]);
    await machine?.stop();
  });

  it("in a folder that is in memory, as all is on a board without a drive", async () => {
    await run("mkdir /srv/memory && mount -t tmpfs tmpfs /srv/memory");
    match(await refusal({ path: "/srv/memory/storage" }), /would be in memory.*give the board a `drive`/);
    equal(await run("ls -A /srv/memory"), "");
  });

  it("while its drive is not mounted", async () => {
    match(await refusal({ driveFolder: disk }), /drive is not mounted at \/var\/tmp\/bramble-nfs-.*is it plugged in/);
    equal(await run(`ls -A ${disk}`), "");
  });

  it("in a folder with somebody's files", async () => {
    await run(`mkdir ${disk}/photos && touch ${disk}/photos/cat.jpg`);
    match(await refusal({ path: `${disk}/photos` }), /is not empty and not a storage of this project.*left alone/);
    equal(await run(`ls -A ${disk}/photos`), "cat.jpg");
  });

  it("in a folder of another site", async () => {
    await run(`mkdir ${disk}/other && echo 89abcdef-shelf > ${disk}/other/.bramble-storage`);
    const said = await refusal({ path: `${disk}/other` });
    match(said, /belongs to another storage: its \.bramble-storage says 89abcdef-shelf, not 0123abcd-shelf/);
    equal(await run(`ls -A ${disk}/other`), ".bramble-storage");
  });

  it("where nothing would start the NFS server after a reboot", async () => {
    match(await refusal({}), /neither systemd nor OpenRC runs here/);
    equal(await run(`ls -A ${disk} /etc/exports.d 2>/dev/null | grep -c bramble-home || true`), "0");
  });
});
