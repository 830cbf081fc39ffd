import { createHash } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { kernelParameters } from "../../../components/guest-image.ts";
import { badlyEmulated } from "../../../formats/domain-xslt.ts";
import { nocloudFiles } from "../../../formats/nocloud.ts";
import type { SshKeyPair } from "../../../formats/ssh-key.ts";
import type { Connection } from "../../../providers/transport/connection.ts";
import { connect } from "../../../providers/transport/ssh.ts";
import { ensureImage } from "../../../tools/image/ensure.ts";
import { run } from "../../../tools/lib/run.ts";
import { until } from "../../../tools/lib/until.ts";
import { startTethered } from "../../doubles/tethered.ts";
import type { Segment } from "./segment.ts";

export interface DebianGuestOptions {
  readonly name: string;
  readonly segment: Segment;
  /** The last number of its address. */
  readonly last: number;
  readonly accelerator: "kvm" | "tcg";
  readonly hostKey: SshKeyPair;
  /** Logs in to it as root, besides `key`. */
  readonly authorizedKeys: readonly string[];
  /** What the test logs in with. */
  readonly key: SshKeyPair;
}

/** A Debian machine on a segment, with a kernel of its own: it starts from the image for Slurm nodes. */
export interface DebianGuest {
  readonly address: string;
  /** Runs a shell script on it and returns what it printed. */
  run(script: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one and waits until it lets the test in. It has a disk with ext4, /dev/disk/by-id/virtio-storage. */
export async function startDebianGuest(options: DebianGuestOptions): Promise<DebianGuest> {
  const { name, segment, last, accelerator, hostKey, key } = options;
  const { folder: image } = await ensureImage();
  const folder = await mkdtemp(`${tmpdir()}/bramble-guest-`);
  const address = segment.address(last);
  const hash = createHash("sha256").update(`${name} ${segment.bridge}`).digest("hex");
  const mac = `52:54:00:${(hash.slice(0, 6).match(/../g) ?? []).join(":")}`;
  const cable = `bg-${hash.slice(0, 8)}`;
  const seed = nocloudFiles({
    hostname: name,
    instanceId: hash,
    hostKey,
    authorizedKeys: [key.publicKey, ...options.authorizedKeys],
    network: { mac, address: `${address}/24`, dns: [] },
  });
  const write = (file: string, text: string) => writeFile(`${folder}/${file}`, text, { mode: 0o600 });
  await Promise.all([
    write("user-data", seed.userData),
    write("meta-data", seed.metaData),
    write("network-config", seed.networkConfig),
  ]);
  const files = ["user-data", "meta-data", "network-config"].map((file) => `${folder}/${file}`);
  await run(["mkisofs", "-quiet", "-o", `${folder}/seed.iso`, "-V", "cidata", "-J", "-r", ...files]);
  const backing = ["-b", `${image}/disk.qcow2`, "-F", "qcow2"];
  await run(["qemu-img", "create", "-q", "-f", "qcow2", ...backing, `${folder}/system.qcow2`, "4G"]);
  await run(["truncate", "--size", "1G", `${folder}/storage`]);
  await run(["mkfs.ext4", "-q", "-F", `${folder}/storage`]);
  await run(["ip", "tuntap", "add", "dev", cable, "mode", "tap"]);
  await run(["ip", "link", "set", cable, "master", segment.bridge, "up"]);

  const disk = (file: string, format: string, serial: string) => [
    ...["-drive", `file=${folder}/${file},format=${format},if=none,id=${serial},cache=unsafe`],
    ...["-device", `virtio-blk-pci,drive=${serial},serial=${serial}`],
  ];
  const isArm = process.arch === "arm64";
  // Processor and kernel are as the program has them for VMs.
  const parameters = kernelParameters({ arch: isArm ? "aarch64" : "x86_64", accelerator })
    .flatMap((words) => Object.entries(words))
    .map(([name, value]) => (name === "_" ? value : `${name}=${value}`));
  const emulated = isArm ? "max" : `max,${badlyEmulated.map((feature) => `${feature}=off`).join()}`;
  const { child, stop } = startTethered(
    [
      isArm ? "qemu-system-aarch64" : "qemu-system-x86_64",
      ...["-M", isArm ? "virt" : "q35", "-accel", accelerator, "-cpu", accelerator === "kvm" ? "host" : emulated],
      ...["-nodefaults", "-display", "none", "-no-reboot", "-m", "384", "-serial", `file:${folder}/console`],
      ...["-kernel", `${image}/kernel`, "-initrd", `${image}/initrd`],
      ...["-append", parameters.join(" ")],
      ...disk("system.qcow2", "qcow2", "system"),
      ...disk("seed.iso", "raw", "seed"),
      ...disk("storage", "raw", "storage"),
      ...["-netdev", `tap,id=net,ifname=${cable},script=no,downscript=no`],
      ...["-device", `virtio-net-pci,netdev=net,mac=${mac}`],
    ],
    folder,
  );
  let said = "";
  child.stderr.on("data", (data: Buffer) => {
    said += data.toString("utf8");
  });
  let connection: Connection | undefined;
  const end = async () => {
    connection?.close();
    try {
      // Else nobody would answer its last words, and this process would wait minutes for that.
      const sockets = async () => (await run(["ss", "-Htanp", "dst", address])).stdout;
      const open = async () => (await sockets()).includes(`pid=${process.pid},`);
      await until(`the end of the connection to ${name}`, async () => !(await open()), { deadline: 10_000 });
    } finally {
      await stop();
      await run(["ip", "link", "delete", cable]);
    }
  };
  try {
    const target = { name, address, user: "root", hostKey: hostKey.publicKey };
    const ended = new Promise<never>((_, reject) => {
      child.once("close", () => reject(new Error(`${name}'s QEMU has ended: ${said}`)));
    });
    ended.catch(() => undefined); // from here on it may
    connection = await Promise.race([connect(target, key.privateKey, { patience: 300 }), ended]);
  } catch (error) {
    await end();
    throw error;
  }
  const open = connection;
  return {
    address,
    run: async (script) => {
      const { code, stdout, stderr } = await open.run(`set -eu\n${script}`);
      if (code !== 0) throw new Error(`on ${name}, exit code ${code}: ${stderr || stdout}`);
      return stdout.trim();
    },
    stop: end,
  };
}
