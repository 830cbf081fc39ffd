import type { StubPackage } from "../../doubles/apk-repository.ts";

/**
 * Packages with the names that images ask for, and what of theirs an image builds on: the services, and those files of
 * which the image has its own. Everything else of them is left out.
 */
export const stubPackages: readonly StubPackage[] = [
  stub("alpine-baselayout", [], {
    "/etc/group": "root:x:0:\n",
    "/etc/hostname": "localhost\n",
    "/etc/modules": "af_packet\nipv6\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/ash\n",
    "/etc/shadow": { text: "root:::0:::::\n", mode: 0o640, gid: 42 },
  }),
  { ...stub("alpine-base"), depends: ["alpine-baselayout", "openrc", "busybox-openrc"] },
  stub(
    "openrc",
    "bootmisc cgroups devfs dmesg hostname hwclock killprocs local localmount modloop modules mount-ro networking savecache swclock sysctl sysfs",
  ),
  stub("busybox-openrc", "crond hwdrivers klogd mdev ntpd syslog"),
  stub("bridge"),
  stub("busybox-extras"),
  stub("chrony", "chronyd", { "/etc/chrony/chrony.conf": "pool pool.ntp.org iburst\n", "/etc/conf.d/chronyd": "\n" }),
  stub("dbus", "dbus"),
  stub("dnsmasq", "dnsmasq"),
  stub("e2fsprogs"),
  stub("ifupdown-ng"),
  { ...stub("libvirt-client"), depends: ["libvirt-daemon"] },
  stub("libvirt-daemon", "libvirtd libvirt-guests virtlockd virtlogd", {
    "/etc/libvirt/libvirtd.conf": "#\n",
    "/etc/conf.d/libvirtd": "\n",
    "/etc/conf.d/libvirt-guests": 'LIBVIRT_SHUTDOWN="managedsave"\n',
  }),
  stub("libvirt-qemu", "", { "/etc/libvirt/qemu/networks/default.xml": "<network/>\n" }),
  stub("nfs-utils", "nfs nfsmount rpc.idmapd rpc.statd", { "/etc/exports": "#\n", "/etc/nfs.conf": "#\n" }),
  stub("nginx", "nginx"),
  stub("openssh", "sshd", {
    "/etc/conf.d/sshd": "\n",
    "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\n",
  }),
  stub("openssl"),
  stub("polkit", "polkit"),
  stub("qemu-img"),
  stub("qemu-modules"),
  stub("qemu-system-aarch64"),
  stub("tiny-cloud-nocloud", "", { "/etc/tiny-cloud.conf": "#CLOUD=auto\n" }),
  stub("tiny-cloud-openrc", "tiny-cloud-boot tiny-cloud-early tiny-cloud-main tiny-cloud-final"),
];

type Files = NonNullable<StubPackage["files"]>;

function stub(
  name: string,
  services: string | readonly string[] = "",
  files: Readonly<Record<string, string | Files[string]>> = {},
): StubPackage {
  const names = (typeof services === "string" ? services.split(" ") : services).filter((service) => service !== "");
  const scripts = names.map((service) => [`/etc/init.d/${service}`, { text: "#!/sbin/openrc-run\n", mode: 0o755 }]);
  const own = Object.entries(files).map(([path, file]) => [path, typeof file === "string" ? { text: file } : file]);
  return { name, files: Object.fromEntries([...scripts, ...own]) };
}
