import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { renderSystem } from "../../../formats/alpine-system.ts";
import { type BoardRole, boardLayers } from "../../../images/alpine/layers.ts";
import { run } from "../../../tools/lib/run.ts";
import { debianRoot } from "../../doubles/debian-root.ts";
import { sampleFacts, sampleRelease } from "./sample-facts.ts";

/**
 * The services of an image under the real OpenRC, which is Debian's, since Alpine's mini root has none. Services of
 * packages have the dependencies of Alpine's, and write their names into /run/order when they start, with a minus in
 * front when they stop; the scripts of ours do what a test says.
 */
export interface OpenrcRoot {
  write(path: string, text: string, mode?: number): Promise<void>;
  /** Gives one of our scripts another text. */
  script(name: string, text: string): Promise<void>;
  /** Boots as far as the runlevel default, runs `after` of the shell, and gives what that printed. */
  boot(after: string): Promise<string>;
  remove(): Promise<void>;
}

export async function makeOpenrcRoot(role: BoardRole): Promise<OpenrcRoot> {
  const packages = ["openrc", "dash", "coreutils", "sed", "grep", "mawk", "mount", "util-linux", "procps"];
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const debian = await debianRoot({ suite: "trixie", arch, packages });
  const root = await mkdtemp(`${tmpdir()}/bramble-openrc-`);
  const remove = () => rm(root, { recursive: true, force: true });
  const write: OpenrcRoot["write"] = async (path, text, mode = 0o644) => {
    await mkdir(dirname(`${root}${path}`), { recursive: true });
    await writeFile(`${root}${path}`, text);
    await chmod(`${root}${path}`, mode);
  };
  const script: OpenrcRoot["script"] = async (name, text) => {
    await write(`/usr/local/lib/bramble/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
  };
  const link = async (target: string, path: string) => {
    await mkdir(dirname(`${root}${path}`), { recursive: true });
    await symlink(target, `${root}${path}`);
  };
  try {
    await cp(debian, root, { recursive: true, verbatimSymlinks: true });
    for (const name of ["bin", "sbin", "lib", "lib64"]) await link(`usr/${name}`, `/${name}`);
    await link("mawk", "/usr/bin/awk");
    for (const name of ["proc", "dev", "run", "tmp", "sys"]) await mkdir(`${root}/${name}`);
    for (const name of ["runlevels", "init.d"]) await rm(`${root}/etc/${name}`, { recursive: true });
    const { entries } = renderSystem(boardLayers(role, sampleFacts), { arch: "x86_64", released: sampleRelease });
    for (const entry of entries) {
      if (!/^(etc\/(init\.d|conf\.d|runlevels)|usr\/local)\//.test(entry.path)) continue;
      if (entry.kind === "link") await link(entry.target, `/${entry.path}`);
      else await write(`/${entry.path}`, entry.text, entry.mode);
    }
    // The initial RAM disk adds the clock.
    await link("/etc/init.d/swclock", "/etc/runlevels/boot/swclock");
    for (const [name, depend] of Object.entries(alpineServices)) {
      const starts = `start() { echo "${name}" >>/run/order; }\nstop() { echo "-${name}" >>/run/order; }`;
      await write(`/etc/init.d/${name}`, `#!/sbin/openrc-run\ndepend() {\n\t${depend}\n}\n${starts}\n`, 0o755);
    }
    for (const name of ["machine-identity", "seed", "time"]) await script(name, `echo "${name}" >>/run/order`);
    await script("identity", 'echo "identity $1" >>/run/order');
    await script("storage", 'echo "storage $1" >>/run/order\n: >/run/bramble/storage-ready');
    const notes = "[ ! -d /run/openrc/rc.starting ] || : >/run/is-starting";
    await script("report", `${notes}\necho report >>/run/order\nexec sleep 600`);
  } catch (error) {
    await remove();
    throw error;
  }
  const boot: OpenrcRoot["boot"] = async (after) => {
    const { stdout } = await run(["unshare", ...namespaces, "sh", "-c", enter, "sh", root, `${bootAll}\n${after}`]);
    return stdout;
  };
  return { write, script, boot, remove };
}

const namespaces = ["--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--"];
const enter = `
set -e
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/run"
: >>"$1/dev/null"
mount --bind /dev/null "$1/dev/null"
exec chroot "$1" sh -c "$2"`;
const bootAll = `
rm -f /etc/ssh/ssh_host_ed25519_key
mkdir -p /run/bramble
for runlevel in sysinit boot default; do openrc $runlevel >>/run/openrc.log 2>&1; done`;

/** By service, what it says of others in Alpine 3.24: OpenRC, aports main/{chrony,openssh}, community/libvirt, tiny-cloud. */
const alpineServices: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    "devfs dmesg mdev hwdrivers modloop cgroups sysfs localmount sysctl syslog local virtlogd polkit dbus"
      .split(" ")
      .map((name) => [name, ":"]),
  ),
  "mount-ro": "need killprocs",
  killprocs: ":",
  savecache: ":",
  swclock: "provide clock",
  modules: "want modules-load",
  bootmisc: "need localmount; before logger",
  hostname: "keyword -prefix -lxc -docker",
  networking: "need localmount; want modules sysctl; after bootmisc hostname modules; provide net",
  sshd: "use logger dns; after entropy",
  chronyd: "need net; after firewall; provide ntp-client ntp-server; use dns",
  libvirtd: "need virtlogd; use ceph dbus iscsid virtlockd; after nfs nfsmount ntp-client",
  "libvirt-guests": "need libvirtd; use ntp-client",
  "tiny-cloud-boot": "after root logger; before net",
  "tiny-cloud-early": "need net",
  "tiny-cloud-main": "need net; before sshd",
  "tiny-cloud-final": "need net; after tiny-cloud-main",
};
