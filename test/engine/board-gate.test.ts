import { deepEqual, equal, match } from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { printReadinessReport } from "../../formats/readiness-report.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import * as trees from "../../providers/tftp-tree/provider.ts";
import { type Sshd, startSshd } from "../doubles/sshd.ts";
import { startTrial, type Trial } from "./trial.ts";

const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
const generation = "1111111111111111";

/** The steps that ask a board, by the real engine, with a real sshd as the board, and a command in the place of a VM. */
describe("a VM on a host that boots over the network, by the real engine", () => {
  let trial: Trial;
  let board: Sshd;
  const path = (name: string) => join(trial.folder, name);
  /** The program of the trial: what makes another VM of it, and where the board boots from. */
  const program = (vm: string, { tftp = "tftp", patience = 60 } = {}) => {
    const target = { name: "pi1", address: "127.0.0.1", port: board.port, user: "root", hostKey: hostKey.publicKey };
    const gate = {
      board: { ...target, serial: "10000000aaaaaa01" },
      source: { connect: "local", site: "home", tftpRoot: path(tftp) },
      deployKey: deployKey.privateKey,
      patienceSeconds: patience,
      after: [],
    };
    const text = `
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { type BoardGate, boardTakesVm, newBoardIsReady } from "./components/board-gate.ts";
const gate = ${JSON.stringify(gate)} as BoardGate;
const parent = new pulumi.ComponentResource("bramble:index:Hypervisor", "pi1");
const dependsOn = [newBoardIsReady("pi1", gate, parent), boardTakesVm("n1", "${vm}", gate, parent)];
new local.Command("n1", { create: "echo ${vm}", delete: "true" }, { dependsOn, deleteBeforeReplace: true, replaceOnChanges: ["create"] });
`;
    return writeFile(path("index.ts"), text);
  };
  const reports = (...problems: string[]) => {
    const report = printReadinessReport({
      ...{ board: "pi1", serial: "10000000aaaaaa01", generation, overlay: null, bootloader: null, problems },
      versions: { kernel: "6.18.35", os: "Alpine Linux 3.24.4" },
      bootId: "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11",
      writtenAt: "2026-11-25T12:00:00Z",
    });
    return writeFile(path("run/bramble/report.json"), report);
  };
  const up = async () => {
    const { code, stdout, stderr } = await trial.pulumi("up", "--yes", "--skip-preview", "--stack", "home");
    return { code, said: stdout + stderr };
  };
  const steps = (said: string) =>
    [...said.matchAll(/local:Command (\S+) (created|deleted|replaced)/g)].map(([, ...step]) => step.join(" "));

  before(async () => {
    trial = await startTrial();
    await mkdir(path("run/bramble"), { recursive: true });
    const own = `mount --bind ${path("run")} /run && exec sh -c "$SSH_ORIGINAL_COMMAND"`;
    board = await startSshd(hostKey, deployKey.publicKey, undefined, [`ForceCommand unshare --mount sh -c '${own}'`]);
    await trees.create({
      ...{ server: { connect: "local" }, root: path("tftp"), owner: { site: "home", id: "0a1b2c3d" } },
      ...{ tree: "pi1", names: ["pi1"], generation, blobs: {}, keep: 3 },
      files: { "{generation}/cmdline.txt": "ip=dhcp bramble.generation={generation}\n" },
    });
    equal((await trial.pulumi("stack", "init", "home")).code, 0);
  });
  after(async () => {
    board?.stop();
    await trial?.remove();
  });

  it("is made when the board is as it should be", async () => {
    await reports();
    await program("aaaaaaaa");
    const { code, said } = await up();
    equal(code, 0, said);
    match(said, /pi1\/ready\/aaaaaa01 created .* pi1 runs what is published for it/);
    equal(steps(said).at(-1), "n1 created");
  });

  it("goes on when the board is degraded, which nobody is asked about, wherever it boots from by now", async () => {
    await reports("libvirtd is not started");
    await program("aaaaaaaa", { tftp: "elsewhere", patience: 5 });
    const { code, said } = await up();
    equal(code, 0, said);
    match(said, /5 unchanged/);
  });

  it("is not replaced on a degraded board: what is there stays", async () => {
    await program("bbbbbbbb");
    const { code, said } = await up();
    equal(code, 1, said);
    match(said, /pi1 is not ready, so no VM is made on it: it says of itself: libvirtd is not started/);
    deepEqual(steps(said), []);
  });

  it("is replaced as soon as the board is as it should be", async () => {
    await reports();
    const { code, said } = await up();
    equal(code, 0, said);
    const [asked, ...others] = steps(said);
    equal(asked, "n1/host/bbbbbbbb created");
    equal(others.at(-1), "n1/host/aaaaaaaa deleted");
    match(said, /n1 replaced/);
  });
});
