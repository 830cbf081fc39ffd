import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { identify, isRunning, type ProcessIdentity } from "../../lib/process.ts";
import { run, tryRun } from "../../lib/run.ts";
import { until } from "../../lib/until.ts";
import { hasLibvirtRules, removeLibvirtRules } from "./firewall.ts";
import { leftovers, linkNames } from "./started-by-libvirt.ts";
import { type HostState, readHostState, writeHostState } from "./state.ts";
import { libvirtAnswers, localLibvirt, tryVirsh, virsh } from "./virsh.ts";

export interface Daemon {
  name: string;
  /** Where it listens: nobody answers there, nobody runs. */
  socket: string;
  pidFile: string;
}

export interface StopResult {
  /** Names of what was stopped. */
  stopped: string[];
  /** Why libvirt was left running, where it was. */
  kept?: string;
}

/** Sockets and what libvirt notes about running VMs and networks; nothing that outlives them. */
const runFolder = "/run/libvirt";

/** Milliseconds: on a slow board libvirt first asks each QEMU what it can do. */
const startDeadline = 120_000;
const stopDeadline = 30_000;

/**
 * Sees to it that this machine's libvirt answers, and records in the lab's folder what was started for that, before
 * and after starting it. A libvirt that runs is used as it is. Returns the names of what was started.
 */
export async function startLibvirt(folder: string, signal?: AbortSignal): Promise<string[]> {
  if (await libvirtAnswers()) return [];
  if (process.getuid?.() !== 0) throw new Error(await whyNoAnswer());
  const state = await readHostState(folder);
  if (state.linksBefore.length === 0) {
    state.linksBefore = await linkNames();
    state.rulesBefore = await hasLibvirtRules();
  }
  const started = existsSync("/run/systemd/system")
    ? await startUnits(folder, state)
    : await startDaemons(folder, state);
  await until("libvirt to answer", libvirtAnswers, {
    deadline: startDeadline,
    every: 100,
    ...(signal === undefined ? {} : { signal }),
  });
  return started;
}

/**
 * Stops what {@link startLibvirt} started on behalf of this lab, with the networks that libvirt brought up by itself
 * when it started. Where someone else's VM or network runs on it by now, libvirt stays.
 */
export async function stopLibvirt(folder: string): Promise<StopResult> {
  const state = await readHostState(folder);
  const daemons = await withAdopted(state.daemons);
  const running = daemons.filter(({ process }) => process !== undefined && isRunning(process));
  if (running.length === 0 && state.units.length === 0) return { stopped: [] };
  if (await libvirtAnswers()) {
    const { foreign, ours } = await leftovers(state.linksBefore);
    if (foreign.length > 0) return { stopped: [], kept: `${foreign.join(", ")} still needs it` };
    for (const network of ours) await virsh("net-destroy", network);
  }
  for (const unit of [...state.units].reverse()) await run(["systemctl", "stop", unit]);
  for (const { name, process } of [...running].reverse()) if (process !== undefined) await terminate(name, process);
  if (!state.rulesBefore) await removeLibvirtRules();
  if (state.runFolderIsOurs) await rm(runFolder, { recursive: true, force: true });
  await writeHostState(folder, { ...state, daemons: [], units: [], linksBefore: [], runFolderIsOurs: false });
  return { stopped: [...state.units, ...running.map(({ name }) => name)] };
}

/** The daemons that this machine's libvirt consists of, in starting order: one for all, or one for each task. */
export function daemonsOf(isInstalled: (name: string) => boolean): Daemon[] {
  const log = daemon("virtlogd", "virtlogd-sock");
  if (isInstalled("libvirtd")) return [log, daemon("libvirtd", "libvirt-sock")];
  const modular = ["network", "storage", "secret", "nodedev", "nwfilter", "interface", "qemu"];
  return [
    log,
    ...modular.map((task) => daemon(`virt${task}d`, `virt${task}d-sock`)),
    daemon("virtproxyd", "libvirt-sock"),
  ];
}

function daemon(name: string, socket: string): Daemon {
  return { name, socket: `${runFolder}/${socket}`, pidFile: `/run/${name}.pid` };
}

async function startDaemons(folder: string, state: HostState): Promise<string[]> {
  const wanted = daemonsOf((name) => existsSync(`/usr/sbin/${name}`)).filter(({ name }) =>
    existsSync(`/usr/sbin/${name}`),
  );
  const started: string[] = [];
  state.runFolderIsOurs ||= !existsSync(runFolder);
  for (const { name, socket, pidFile } of wanted) {
    if (await listens(socket)) continue;
    state.daemons = [...state.daemons.filter((known) => known.name !== name), { name }];
    await writeHostState(folder, state);
    // It returns when the daemon has made its socket. Nothing of the environment that npm made is handed on.
    await run([`/usr/sbin/${name}`, "--daemon", "--pid-file", pidFile], {
      env: plainEnvironment,
      timeout: startDeadline,
    });
    state.daemons = await withAdopted(state.daemons);
    await writeHostState(folder, state);
    started.push(name);
  }
  return started;
}

async function startUnits(folder: string, state: HostState): Promise<string[]> {
  const modular = ["virtqemud.socket", "virtnetworkd.socket", "virtstoraged.socket", "virtsecretd.socket"];
  const wanted = existsSync("/usr/sbin/libvirtd") ? ["libvirtd.service"] : [...modular, "virtnodedevd.socket"];
  const started: string[] = [];
  for (const unit of wanted) {
    if ((await tryRun(["systemctl", "is-active", "--quiet", unit])).code === 0) continue;
    state.units = [...state.units.filter((known) => known !== unit), unit];
    await writeHostState(folder, state);
    await run(["systemctl", "start", unit]);
    started.push(unit);
  }
  return started;
}

/** A daemon that was being started when the command was killed is the one that its pid file names now. */
async function withAdopted(daemons: HostState["daemons"]): Promise<HostState["daemons"]> {
  const adopted: HostState["daemons"] = [];
  for (const known of daemons) {
    const process = known.process ?? (await processOf(known.name));
    adopted.push(process === undefined ? { name: known.name } : { name: known.name, process });
  }
  return adopted;
}

/** The process that the daemon's pid file names, if it is that daemon: the file may be older than the process. */
async function processOf(name: string): Promise<ProcessIdentity | undefined> {
  try {
    const pid = Number((await readFile(`/run/${name}.pid`, "utf8")).trim());
    const program = (await readFile(`/proc/${pid}/comm`, "utf8")).trim();
    return program === name ? identify(pid) : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

async function terminate(name: string, known: ProcessIdentity): Promise<void> {
  if (!isRunning(known)) return;
  process.kill(known.pid, "SIGTERM");
  await until(`${name} (process ${known.pid}) to end`, () => !isRunning(known), { deadline: stopDeadline });
  await rm(`/run/${name}.pid`, { force: true });
}

function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const client = connect(socket);
    client.once("connect", () => {
      client.destroy();
      resolve(true);
    });
    client.once("error", () => resolve(false));
  });
}

async function whyNoAnswer(): Promise<string> {
  const said = (await tryVirsh("uri")).stderr.trim();
  return (
    `libvirt (${localLibvirt}) does not answer: ${said}\n` +
    "Run this command as root; or start libvirt (`sudo systemctl start libvirtd`) and join the group that may use it " +
    "(`sudo adduser $USER libvirt`, then log in again)."
  );
}

const plainEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LANG: "C.UTF-8",
  HOME: "/root",
};
