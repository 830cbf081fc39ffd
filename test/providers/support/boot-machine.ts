import { equal } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sshKeyPair } from "../../../formats/ssh-key.ts";
import type { BootServerSpec } from "../../../providers/steps/boot-server.ts";
import { bootServerFiles } from "../../../providers/steps/boot-server-files.ts";
import { variables } from "../../../providers/steps/environment.ts";
import type { SshTarget } from "../../../providers/transport/ssh.ts";
import type { RunResult } from "../../../tools/lib/run.ts";
import { startPrivateMachine, whyNoPrivateMachine } from "../../doubles/private-machine.ts";

export const address = "127.0.0.1";
/** The machine has this one too. */
export const otherAddress = "10.213.80.1";
export const tftpRoot = "/srv/boot/tftp";
export const httpRoot = "/srv/boot/http";

/** What differs from the boot server of the site `home` with plain configurations, HTTP on port 8080. */
export interface Wish
  extends Partial<Pick<BootServerSpec, "site" | "siteId" | "tftpAddress" | "tftpRoot" | "httpPort">> {
  readonly dnsmasq?: string;
  readonly nginx?: string;
}

/** A machine beside this one that has neither systemd nor OpenRC, and this machine's programs and files. */
export interface BootMachine {
  apply(wish?: Wish): Promise<RunResult>;
  remove(wish?: Wish): Promise<RunResult>;
  /** Runs a command in it and returns what it printed. */
  run(...command: string[]): Promise<string>;
  /** Runs a module in it, which finds these words after its name in `process.argv`. */
  runModule(text: string, ...words: string[]): Promise<string>;
  /** Starts a command in it and waits for its first line. */
  start(...command: string[]): Promise<{ readonly line: string; stop(): Promise<void> }>;
  /** dnsmasq's and nginx's process, by their own files. */
  pids(): Promise<readonly [dnsmasq: string, nginx: string]>;
  /** A file as a board gets it. */
  tftp(file: string): Promise<string>;
  http(file: string, port?: number): Promise<string>;
  stop(): Promise<void>;
}

const step = fileURLToPath(new URL("../../../providers/steps/main.ts", import.meta.url));
const sshd = new URL("../../doubles/sshd.ts", import.meta.url).href;
const tftpClient = new URL("../../doubles/tftp-client.ts", import.meta.url).href;
const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
const files = bootServerFiles("home");

/** Why there can't be one here; undefined if there can. */
export async function whyNoBootMachine(): Promise<string | undefined> {
  const missing = ["dnsmasq", "nginx", "sshd"].find((program) => !existsSync(`/usr/sbin/${program}`));
  return missing === undefined ? whyNoPrivateMachine() : `${missing} is missing`;
}

/** Starts one. The step runs in it, and goes to it by no connection or over a real sshd. */
export async function startBootMachine(way: BootServerSpec["connect"]): Promise<BootMachine> {
  const machine = await startPrivateMachine({ name: "boot" });
  const run = async (...command: string[]) => {
    const { code, stdout, stderr } = await machine.run(command);
    equal(code, 0, stderr);
    return stdout;
  };
  const runModule = (text: string, ...words: string[]) =>
    run(process.execPath, "--input-type=module", "-e", text, ...words);
  const start = async (...command: string[]) => {
    const [program, ...args] = machine.inside(command);
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "exit").then(() => Promise.reject(new Error(`${command.join(" ")} ended at once`)));
    const [printed] = await Promise.race([once(child.stdout, "data"), ended]);
    ended.catch(() => undefined); // from here on it may
    const stop = async () => {
      child.kill();
      await once(child, "exit");
    };
    return { line: String(printed).trim(), stop };
  };
  await run("sh", "-c", ownFolders);
  await run("ip", "address", "add", otherAddress, "dev", "lo");

  const target = async (): Promise<SshTarget> => {
    const keys = [hostKey, deployKey.publicKey].map((key) => JSON.stringify(key)).join();
    const script = `import { startSshd } from "${sshd}"; console.log((await startSshd(${keys})).port);`;
    // It is never stopped; the machine's own /run goes with the machine.
    const { line } = await start("env", "TMPDIR=/run", process.execPath, "--input-type=module", "-e", script);
    return { name: "pi1", address, port: Number(line), user: "root", hostKey: hostKey.publicKey };
  };
  const reached = way === "local" ? { connect: way } : { connect: way, ...(await target()) };
  const perform = (verb: string, { dnsmasq = dnsmasqConf(), nginx = nginxConf(), ...spec }: Wish = {}) => {
    const bootServer: BootServerSpec = {
      ...reached,
      site: "home",
      siteId: "first",
      tftpRoot,
      httpRoot,
      tftpAddress: address,
      httpPort: 8080,
      dhcp: "router",
      ...spec,
    };
    const env = {
      ...process.env,
      [variables.bootServer]: JSON.stringify(bootServer),
      [variables.dnsmasqConf]: dnsmasq,
      [variables.nginxConf]: nginx,
      [variables.sshKey]: deployKey.privateKey,
    };
    return machine.run([process.execPath, step, "boot-server", verb], { env });
  };
  return {
    apply: (wish) => perform("apply", wish),
    remove: (wish) => perform("remove", wish),
    run,
    runModule,
    start,
    pids: async () => {
      const [dnsmasq = "", nginx = ""] = (await run("cat", files.dnsmasqPid, files.nginxPid)).split("\n");
      return [dnsmasq, nginx];
    },
    tftp: (file) => runModule(`import { tftpRead } from "${tftpClient}"; ${readByTftp}`, address, file),
    http: (file, port = 8080) =>
      runModule(
        "process.stdout.write(await (await fetch(process.argv[1])).text())",
        `http://${address}:${port}/${file}`,
      ),
    stop: () => machine.stop(),
  };
}

const readByTftp = `const [address, file] = process.argv.slice(1);
const { bytes } = await tftpRead({ address }, file, { blockSize: 1024, fileTimeout: 5000 });
process.stdout.write(bytes);`;

/** Folders as they are on this machine, but what is written to them stays in the private one. */
/** A shell script that gives a private machine folders of its own where a boot server has files. */
export const ownFolders = `for folder in etc var/lib var/log srv; do
  mkdir -p /run/changes/$folder /run/changes/work/$folder
  mount -t overlay -o lowerdir=/$folder,upperdir=/run/changes/$folder,workdir=/run/changes/work/$folder none /$folder
done`;

/** @param more settings besides, the first of which may say where to listen. */
export function dnsmasqConf(...more: string[]): string {
  const listen = more[0]?.startsWith("listen-address") ? [] : [`listen-address=${address}`];
  const settings = [
    "port=0",
    `pid-file=${files.dnsmasqPid}`,
    "enable-tftp",
    `tftp-root=${tftpRoot}`,
    "bind-interfaces",
  ];
  return [...settings, ...listen, ...more, ""].join("\n");
}

/** @param more of the server's settings. */
export function nginxConf(port = 8080, more = ""): string {
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${files.nginxTemp};`,
  );
  return `pid ${files.nginxPid};
error_log ${files.nginxErrorLog};
events {}
http {
  access_log ${files.nginxAccessLog};
  ${temps.join("\n  ")}
  server { listen ${address}:${port}; root ${httpRoot}; ${more} }
}
`;
}
