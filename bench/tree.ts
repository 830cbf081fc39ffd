import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { argv, env, execPath, stderr, stdout } from "node:process";
import { fileURLToPath } from "node:url";
import { contentsOf } from "../providers/tftp-tree/contents.ts";
import { withGeneration } from "../providers/tftp-tree/generation.ts";
import type { TftpTreeInputs, TftpTreeOutputs } from "../providers/tftp-tree/inputs.ts";
import { check, create, diff, update } from "../providers/tftp-tree/provider.ts";
import { publish } from "../providers/tftp-tree/publish.ts";
import { type FolderServer, inFolder } from "../providers/transport/folder-server.ts";
import { type Sshd, startSshd } from "../test/doubles/sshd.ts";
import { watched } from "../test/doubles/watched-folder.ts";
import { run, tryRun } from "../tools/lib/run.ts";
import { boardTree, deployKey, hostKey, layOut, makeWorkFolder, rsync } from "./boot-trees.ts";
import { type Figure, median, table } from "./table.ts";

/**
 * Publishing the trees of many boards, beside what rsync takes for the same ones to the same place: `node bench/tree.ts
 * [RUNS] [BOARDS]`. Each publish is a process of its own that connects anew. It is timed without the start of Node, as
 * the engine's process for providers runs anyway; rsync has no such process. Both write to a new ext4.
 */

const boards = 1000;
/** How many trees are published at once: the engine takes 4 for each core, or what PULUMI_PARALLEL says. */
const atOnce = [8, 32] as const;
const changedBoard = 500;
const placeNames = { local: "on this machine", ssh: "over SSH" } as const;
type Place = keyof typeof placeNames;
const places: readonly Place[] = ["local", "ssh"];

export async function treeFigures(runs: number, count = boards): Promise<Figure[]> {
  const all: Measured[] = [];
  for (let index = 0; index < runs; index++) all.push(await onNewDisk((folder) => measure(folder, count)));
  const seconds = (what: string) => all.map((one) => one.seconds.get(what) ?? Number.NaN);
  const besideRsync = (name: string, ours: string, theirs: string): Figure => {
    const others = seconds(theirs);
    const note = `target: rsync, ${others.map((value) => value.toFixed(2)).join(", ")}`;
    return { name, unit: "s", target: round(median(others)), values: seconds(ours), note };
  };
  const [{ sent, mostSent } = { sent: 0, mostSent: 0 }] = all;
  return [
    ...places.flatMap((place) => [
      ...atOnce.map((parallel) => {
        const name = `publish ${count} trees ${placeNames[place]}, ${parallel} at once`;
        return besideRsync(name, `${place} first ${parallel}`, `${place} first rsync`);
      }),
      besideRsync(`the same, one line changed`, `${place} change`, `${place} change rsync`),
    ]),
    {
      name: "files sent for the changed line",
      unit: "MB",
      target: round(mostSent / 1e6),
      values: all.map((one) => one.sent / 1e6),
      note: `${sent} bytes`,
    },
    { name: `check and diff of ${count} trees`, unit: "s", target: 1, values: seconds("diff") },
  ];
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

/** What one run came to. */
interface Measured {
  readonly seconds: ReadonlyMap<string, number>;
  /** Bytes of files that were sent for one changed line. */
  readonly sent: number;
  /** The most that they should be: what the board's own files have, 1 % and 64 KB. */
  readonly mostSent: number;
}

async function measure(folder: string, count: number): Promise<Measured> {
  const seconds = new Map<string, number>();
  const work = join(folder, "work");
  env.BRAMBLE_WORK = work;
  const blobs = await makeWorkFolder(work);
  const sshd = await startSshd(hostKey, deployKey.publicKey);
  const changed = changedBoard % count;
  const treesIn = (place: Place, root: string, line = "") =>
    Array.from({ length: count }, (_, board) => {
      const where = { server: serverOf(place, sshd), root: join(folder, root), blobs };
      return boardTree(board, board === changed ? line : "", where);
    });
  try {
    for (const place of places) {
      for (const parallel of atOnce) {
        const trees = treesIn(place, `${place}-${parallel}`);
        seconds.set(`${place} first ${parallel}`, await publishApart(folder, { trees, parallel }));
      }
      const root = `${place}-${atOnce[0]}`;
      const trees = treesIn(place, root, "dtparam=audio=on");
      seconds.set(`${place} change`, await publishApart(folder, { trees, parallel: atOnce[0] }));

      const [from, to] = [join(folder, `${place}-source`), join(folder, `${place}-rsync`)];
      const copy = () => rsync(from, to, place === "ssh" ? sshd : undefined, work);
      for (const tree of treesIn(place, root)) await layOut(tree, from, work);
      seconds.set(`${place} first rsync`, await timed(copy));
      for (const tree of trees.slice(changed, changed + 1)) await layOut(tree, from, work);
      seconds.set(`${place} change rsync`, await timed(copy));
    }
    const root = `local-${atOnce[0]}`;
    const trees = treesIn("local", root, "dtparam=audio=on");
    const state = await stateOf(join(folder, root));
    seconds.set("diff", diffAll(state, trees));
    const where = { server: serverOf("local", sshd), root: join(folder, root), blobs };
    return { seconds, ...(await countSent(boardTree(changed, "dtparam=spi=on", where))) };
  } finally {
    sshd.stop();
  }
}

function serverOf(place: Place, { port }: Sshd): FolderServer {
  if (place === "local") return { connect: "local" };
  const { username: user } = userInfo();
  return { connect: "ssh", name: "nas", address: "127.0.0.1", port, user, hostKey: hostKey.publicKey };
}

async function timed(work: () => Promise<void>): Promise<number> {
  await run(["sync"]);
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** Seconds that a preview of trees takes. */
function diffAll(state: readonly TftpTreeOutputs[], trees: readonly TftpTreeInputs[]): number {
  const started = performance.now();
  const changes = trees.filter((tree, index) => {
    const before = state[index];
    return before === undefined || diff("", before, check(tree, tree).inputs).changes;
  });
  if (changes.length > 0) throw new Error(`${changes.length} trees differ from what was published`);
  return (performance.now() - started) / 1000;
}

/** What publishing a tree with another line sends, and the most that it should. */
async function countSent(tree: TftpTreeInputs): Promise<{ sent: number; mostSent: number }> {
  const { owner, root, server, names, generation, keep, ...rest } = withGeneration(tree);
  const files = await contentsOf({ owner, root, server, names, generation, keep, ...rest }, () =>
    Promise.reject(new Error("there is no bootloader update")),
  );
  const own = files.reduce((sum, file) => sum + (file.kind === "small" ? file.content.byteLength : 0), 0);
  return await inFolder(server, root, owner.site, async (folder) => {
    const { folder: noted, watch } = watched(folder);
    const publication = { owner, tree: tree.tree, names, generation, files, keep, dropped: [] };
    await publish(noted, { ...publication, claim: "00000001", isNew: false, distrust: false });
    return { sent: watch.sent, mostSent: own * 1.01 + 64 * 1024 };
  });
}

/** What a process of its own is to publish. */
interface Job {
  readonly trees: readonly TftpTreeInputs[];
  readonly parallel: number;
}

/** @returns the seconds that it took. What an earlier job has published is compared, and only sent if it is other now. */
async function publishApart(folder: string, job: Job): Promise<number> {
  await writeFile(join(folder, "job.json"), JSON.stringify(job));
  await run(["sync"]);
  const { stdout: seconds } = await run([execPath, fileURLToPath(import.meta.url), "job", folder]);
  stderr.write(`${job.trees.length} trees to ${job.trees[0]?.root}: ${seconds} s\n`);
  return Number(seconds);
}

async function runJob(folder: string): Promise<void> {
  const { trees, parallel }: Job = JSON.parse(await readFile(join(folder, "job.json"), "utf8"));
  const root = trees[0]?.root ?? folder;
  const state = await stateOf(root);
  const started = performance.now();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < trees.length; index = next++) {
      const tree = trees[index];
      if (tree === undefined) return;
      const { inputs } = check({}, tree);
      const before = state[index];
      if (before === undefined) state[index] = (await create(inputs)).outs;
      else if (diff("", before, inputs).changes) state[index] = (await update("", before, inputs)).outs;
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  stdout.write(((performance.now() - started) / 1000).toFixed(3));
  await writeFile(`${root}.state.json`, JSON.stringify(state));
}

/** What was published below a root, as the engine's state would have it. */
async function stateOf(root: string): Promise<TftpTreeOutputs[]> {
  const text = await readFile(`${root}.state.json`, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "[]";
    throw error;
  });
  return JSON.parse(text);
}

/** Gives `work` a folder on a new file system where one can be made: files that were removed before slow a used one down. */
async function onNewDisk<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bramble-bench-"));
  const [disk, mounted] = [join(folder, "disk"), join(folder, "mounted")];
  await mkdir(mounted);
  await run(["truncate", "--size", "2G", disk]);
  const isMounted =
    (await tryRun(["mkfs.ext4", "-q", disk])).code === 0 &&
    (await tryRun(["mount", "-o", "loop", disk, mounted])).code === 0;
  if (!isMounted) stderr.write("no new file system could be made; figures depend on what the disk did before\n");
  try {
    return await work(mounted);
  } finally {
    if (isMounted) await run(["umount", mounted]);
    await rm(folder, { recursive: true });
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  if (argv[2] === "job") await runJob(argv[3] ?? "");
  else stdout.write(table(await treeFigures(Number(argv[2] ?? 3), Number(argv[3] ?? boards))));
}
