import { nearest } from "../site/nearest.ts";
import type { MergedLayers } from "./alpine-layers.ts";
import { runlevels } from "./alpine-layers.ts";
import type { NamedLayer } from "./alpine-system.ts";

/**
 * What a diskless Alpine needs in any case, as a layer below all others. With an overlay the initial RAM disk makes no
 * link but the clock's (reference "Alpine diskless" §1.5), and it never adds networking.
 */
export const disklessLayer: NamedLayer = {
  name: "diskless Alpine",
  layer: {
    packages: ["alpine-base"],
    services: {
      sysinit: ["devfs", "dmesg", "mdev", "hwdrivers", "modloop"],
      boot: ["modules", "sysctl", "hostname", "bootmisc", "syslog", "networking"],
      shutdown: ["mount-ro", "killprocs", "savecache"],
    },
    // Stock lines of etc/modules, which the overlay's replaces.
    modules: ["af_packet", "ipv6"],
  },
};

/**
 * Services that nothing of the image and no package ships, or only one that is not asked for. A link to such a service
 * is no error at boot: it just does not start.
 */
export function serviceMistakes({ services, files, packages, idle }: MergedLayers): string[] {
  const installed = new Set([...packages].filter(([, { value }]) => !value.startsWith("!")).map(([name]) => name));
  const wrong = runlevels.flatMap((runlevel) =>
    [...services[runlevel]].flatMap(([name, { from }]) => {
      if (!isServiceName(name)) return []; // its layer's mistake
      if (files.has(`/etc/init.d/${name}`)) return [];
      const where = `${from}: services.${runlevel}: ${name}`;
      const packagesOf = servicePackages.get(name);
      if (packagesOf === undefined) return [`${where} is no service that is known${meant(name)}`];
      if (packagesOf.some((one) => installed.has(one))) return [];
      return [`${where} is shipped by ${packagesOf.join(" or ")}, which is not installed: add it to packages`];
    }),
  );
  const needless = idle
    .filter(({ name }) => isServiceName(name))
    .map(({ layer, runlevel, name }) => {
      const near = nearest(name, [...services[runlevel].keys()]);
      const out = near === undefined ? "leave it out" : `did you mean !${near}?`;
      return `${layer}: services.${runlevel}: !${name} takes away what no earlier layer has: ${out}`;
    });
  return [...wrong, ...needless];
}

export function isServiceName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name);
}

function meant(name: string): string {
  const near = nearest(name, [...servicePackages.keys()]);
  const own = `for one of your own give the file /etc/init.d/${name} with mode 0755`;
  return near === undefined ? `: ${own}` : `: did you mean ${near}? Else, ${own}`;
}

/**
 * By package, the services that it brings, of those that boards may want: Alpine's package tree has them in a package
 * NAME-openrc, which comes along where openrc is installed.
 */
const shippedBy: Readonly<Record<string, string>> = {
  // openrc, busybox-openrc and busybox-mdev-openrc
  "alpine-base":
    "acpid agetty binfmt bootmisc cgroups consolefont crond devfs dmesg firstboot fsck hostname hwclock hwdrivers inetd " +
    "killprocs klogd loadkmap local localmount loopback machine-id mdev modloop modules mount-ro mtab net-online " +
    "netmount networking ntpd numlock osclock procfs rdate root savecache save-keymaps save-termencoding seedrng " +
    "staticroute swap swclock sysctl sysfs sysfsconf syslog termencoding watchdog",
  openssh: "sshd",
  "openssh-server": "sshd",
  chrony: "chronyd",
  openntpd: "openntpd",
  dbus: "dbus",
  polkit: "polkit",
  "libvirt-daemon": "libvirtd virtlogd virtlockd libvirt-guests",
  "qemu-guest-agent": "qemu-guest-agent",
  "nfs-utils": "nfs nfsclient nfsmount rpc.gssd rpc.idmapd rpc.pipefs rpc.statd rpc.svcgssd rpcbind",
  rpcbind: "rpcbind",
  dnsmasq: "dnsmasq",
  nginx: "nginx",
  dhcpcd: "dhcpcd",
  avahi: "avahi-daemon",
  iptables: "iptables ip6tables",
  nftables: "nftables",
  k3s: "k3s",
  containerd: "containerd",
  docker: "docker",
  lldpd: "lldpd",
  smartmontools: "smartd",
  "prometheus-node-exporter": "node-exporter",
  "rng-tools": "rngd",
  "open-iscsi": "iscsid",
  "zram-init": "zram-init",
  wpa_supplicant: "wpa_supplicant",
  "tiny-cloud-openrc": "tiny-cloud-boot tiny-cloud-early tiny-cloud-main tiny-cloud-final",
  "udev-init-scripts-openrc": "udev udev-trigger udev-settle udev-postmount",
};

/** By service, the packages that bring it; one of them is enough. */
const servicePackages: ReadonlyMap<string, readonly string[]> = Object.entries(shippedBy).reduce(
  (map, [name, services]) => {
    for (const service of services.split(" ")) map.set(service, [...(map.get(service) ?? []), name]);
    return map;
  },
  new Map<string, string[]>(),
);
