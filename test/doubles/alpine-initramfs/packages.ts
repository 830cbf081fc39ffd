import { readdir, readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { run } from "../../../tools/lib/run.ts";
import type { StubFile, StubPackage } from "../apk-repository.ts";
import { debianRoot } from "../debian-root.ts";
import { minirootfsPackages } from "./minirootfs.ts";

/**
 * Packages of which apk makes a system for aarch64 that starts: Alpine's own from its mini root filesystem; OpenRC, sshd,
 * ifupdown-ng and chrony as Debian has them, with glibc beside musl, since no mirror of Alpine is in reach; and all the
 * others that a hypervisor has, with services that do nothing.
 */
export async function bootablePackages(): Promise<readonly StubPackage[]> {
  const root = await debianRoot({
    suite: "trixie",
    arch: "arm64",
    packages: ["openrc", "openssh-server", "openssh-client", "ifupdown-ng", "iproute2", "chrony"],
  });
  const debian = await programsOf(root);
  const libraries: StubPackage = { name: "debian-libraries", files: await librariesOf(root, Object.values(debian)) };
  const services = await ownServices();
  const idle = Object.entries(others).map(([name, names]) => ({ name, files: servicesNamed(names, services) }));
  const ours: StubPackage[] = [
    {
      name: "alpine-base",
      version: "3.99.0-r0",
      depends: ["alpine-baselayout", "alpine-keys", "apk-tools", "busybox", "busybox-binsh", "libc-utils", "openrc"],
      // Of alpine-release in truth.
      files: { "/etc/alpine-release": { text: "3.99.0\n" } },
    },
    {
      name: "openrc",
      depends: ["debian-libraries", "/bin/sh"],
      files: {
        ...(await filesBelow(root, debian.openrc)),
        // Debian's OpenRC complains without it, at each look at a service.
        "/etc/insserv.conf": { text: "" },
        "/etc/insserv.conf.d/none": { text: "" },
        ...servicesNamed(baseServices, services),
      },
    },
    {
      name: "openssh",
      depends: ["debian-libraries"],
      files: {
        ...(await filesBelow(root, debian.openssh)),
        "/etc/ssh/sshd_config": { text: sshdConfig },
        ...servicesNamed("sshd", services),
      },
    },
    {
      name: "ifupdown-ng",
      depends: ["debian-libraries"],
      files: {
        ...(await filesBelow(root, debian.ifupdown)),
        ...Object.fromEntries(
          ["ifup", "ifdown", "ifquery"].map((name) => [`/sbin/${name}`, { link: "/sbin/ifupdown-ng" }]),
        ),
      },
    },
    {
      name: "tiny-cloud-nocloud",
      depends: ["openssh", "tiny-cloud-openrc"],
      provides: ["tiny-cloud-alpine=1-r0"],
    },
    {
      name: "tiny-cloud-openrc",
      files: servicesNamed("tiny-cloud-boot tiny-cloud-early tiny-cloud-main tiny-cloud-final", services),
    },
    {
      name: "chrony",
      depends: ["debian-libraries"],
      files: { ...(await filesBelow(root, debian.chrony)), ...servicesNamed("chronyd", services) },
    },
  ];
  return [...(await minirootfsPackages()), libraries, ...ours, ...idle];
}

/** Services that alpine-base brings, with those that it takes along. */
const baseServices =
  "bootmisc cgroups crond devfs dmesg firstboot hostname hwclock hwdrivers killprocs local localmount mdev modloop " +
  "modules mount-ro networking root savecache seedrng swclock sysctl sysfs syslog";

/** The other packages, with the services that they bring. */
const others: Readonly<Record<string, string>> = {
  bridge: "",
  dbus: "dbus",
  "libvirt-client": "",
  "libvirt-daemon": "libvirtd libvirt-guests virtlockd virtlogd",
  "libvirt-qemu": "",
  "nfs-utils": "nfs nfsmount rpc.statd rpcbind",
  openssl: "",
  polkit: "polkit",
  "qemu-img": "",
  "qemu-modules": "",
  "qemu-system-aarch64": "",
};

/** What is provided by services that do nothing here: others say that they come after it. */
const provides: Readonly<Record<string, string>> = { hwclock: "clock", swclock: "clock", syslog: "logger" };

/** Those that do something here, from the folder init.d. */
async function ownServices(): Promise<ReadonlyMap<string, string>> {
  const folder = new URL("init.d/", import.meta.url);
  const read = async (name: string): Promise<[string, string]> => [name, await readFile(new URL(name, folder), "utf8")];
  return new Map(await Promise.all((await readdir(folder)).map(read)));
}

function servicesNamed(names: string, own: ReadonlyMap<string, string>): Record<string, StubFile> {
  const scripts = names.split(" ").filter((name) => name !== "");
  return Object.fromEntries(
    scripts.map((name) => [`/etc/init.d/${name}`, { text: own.get(name) ?? idleService(name), mode: 0o755 }]),
  );
}

function idleService(name: string): string {
  const provided = provides[name];
  const depend = provided === undefined ? "" : `\ndepend() {\n\tprovide ${provided}\n}\n`;
  return `#!/sbin/openrc-run\n# It does nothing here.\n${depend}\nstart() {\n\treturn 0\n}\n`;
}

/** As in Alpine's, but for what is commented out there. */
const sshdConfig = `Include /etc/ssh/sshd_config.d/*.conf
AuthorizedKeysFile .ssh/authorized_keys
AllowTcpForwarding no
GatewayPorts no
X11Forwarding no
Subsystem sftp internal-sftp
`;

/** Paths in Debian's root by the package that has them here. */
async function programsOf(
  root: string,
): Promise<Record<"openrc" | "openssh" | "ifupdown" | "chrony", readonly string[]>> {
  const below = async (folder: string, which: RegExp) => {
    const paths = await readdir(`${root}/${folder}`, { recursive: true });
    return paths.filter((path) => which.test(path)).map((path) => `${folder}/${path}`);
  };
  return {
    openrc: [
      ...(await below("usr/sbin", /^(openrc.*|rc-(service|update))$/)),
      "usr/bin/rc-status",
      ...(await below("usr/lib/rc", /^(version|(bin|sbin|sh)\/.+)$/)),
    ],
    openssh: ["usr/sbin/sshd", ...(await below("usr/lib/openssh", /^sshd-/)), "usr/bin/ssh-keygen"],
    ifupdown: [
      "usr/sbin/ifupdown-ng",
      "etc/network/ifupdown-ng.conf",
      ...(await below("usr/libexec/ifupdown-ng", /./)),
      "usr/bin/ip",
    ],
    chrony: ["usr/sbin/chronyd", "usr/bin/chronyc"],
  };
}

/** In Alpine, whose /sbin is a folder of its own, these are looked for there. */
function placeOf(path: string): string {
  if (path === "usr/bin/ip" || path === "usr/bin/rc-status") return `/sbin/${basename(path)}`;
  return `/${path.replace(/^usr\/sbin\/(?!sshd|chronyd)/, "sbin/")}`;
}

async function filesBelow(root: string, paths: readonly string[]): Promise<Record<string, StubFile>> {
  const files = await Promise.all(
    paths.map(async (path): Promise<[string, StubFile]> => {
      const mode = (await stat(`${root}/${path}`)).mode & 0o777;
      return [placeOf(path), { text: await readFile(`${root}/${path}`), mode }];
    }),
  );
  return Object.fromEntries(files);
}

/** glibc's loader, and the libraries that these programs ask it for, as it says itself. */
async function librariesOf(root: string, groups: readonly (readonly string[])[]): Promise<Record<string, StubFile>> {
  const folder = "usr/lib/aarch64-linux-gnu";
  const loader = `${root}/${folder}/ld-linux-aarch64.so.1`;
  const emulator = process.arch === "arm64" ? [] : ["qemu-aarch64-static"];
  const names = new Set<string>();
  for (const path of groups.flat()) {
    const bytes = await readFile(`${root}/${path}`);
    if (bytes.subarray(0, 4).toString("latin1") !== "\x7fELF") continue;
    const [program = loader, ...args] = [
      ...emulator,
      loader,
      "--library-path",
      `${root}/${folder}`,
      "--list",
      `${root}/${path}`,
    ];
    const { stdout } = await run([program, ...args]);
    for (const [, name] of stdout.matchAll(/^\s*(\S+) => \//gm)) if (name !== undefined) names.add(basename(name));
  }
  names.delete("ld-linux-aarch64.so.1");
  const libraries = await Promise.all(
    [...names].map(async (name): Promise<[string, StubFile]> => {
      return [`/${folder}/${name}`, { text: await readFile(`${root}/${folder}/${name}`), mode: 0o755 }];
    }),
  );
  return {
    "/lib/ld-linux-aarch64.so.1": { text: await readFile(loader), mode: 0o755 },
    ...Object.fromEntries(libraries),
  };
}
