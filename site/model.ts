import type { Taint } from "./kubernetes-names.ts";

/**
 * The resolved site: what the rest of the project works with. Every fact is computed once, by readSite(), and handed
 * on as a value. Units are in the names: MiB, GiB, minutes, seconds.
 */

/** A string that was checked and whose kind the compiler keeps apart from other strings. */
type Brand<Kind extends string> = string & { readonly __kind: Kind };

/** An IPv4 address in dotted form, such as `10.20.0.11`. */
export type Ipv4 = Brand<"ipv4">;
/** A MAC address, lower-case and colon-separated, such as `dc:a6:32:00:00:01`. */
export type Mac = Brand<"mac">;
/** A UUID, lower-case. */
export type Uuid = Brand<"uuid">;
/** The name of a VM, which is also its host name: `physics` plus `-controller`, or `-n1` for the first of group `n`. */
export type VmName = Brand<"vm-name">;
/** The name of a host, which is the name of its board in the site file. */
export type HostName = Brand<"host-name">;
/** An OpenSSH public key line without comment: `ssh-ed25519 AAAA…`. */
export type SshPublicKey = Brand<"ssh-public-key">;

export interface Site {
  readonly name: string;
  readonly network: Network;
  /** Every physical machine, in natural order of the names. */
  readonly boards: readonly Board[];
  /** The boards that run VMs, in the same order. */
  readonly hosts: readonly Host[];
  /** How boards boot over the network; missing where none does. */
  readonly boot?: Boot;
  /** The folders that hosts share, in natural order of the names. */
  readonly storages: readonly SharedStorage[];
  /** Boards that ran VMs and are said never to write to a disk again, in natural order of the names. */
  readonly lost: readonly LostHost[];
  readonly clusters: readonly Cluster[];
  /** All VMs of all clusters, placed: by cluster, controller or servers first, then the others by group and index. */
  readonly vms: readonly Vm[];
  readonly users: readonly User[];
  readonly epochs: Epochs;
  readonly limits: Limits;
  readonly rollout: Rollout;
  readonly allow: Allowances;
}

export type NetworkMode = "bridge" | "isolated" | "nat";

export interface Network {
  /** As `10.20.0.0/24`; the address part is the network's own. */
  readonly cidr: string;
  readonly prefixLength: number;
  readonly gateway?: Ipv4;
  readonly dns: readonly Ipv4[];
  /** Addresses or host names of time servers. */
  readonly ntp: readonly string[];
  /** `bridge`: VMs attach to a bridge that exists on each host; otherwise libvirt makes the network itself. */
  readonly mode: NetworkMode;
  /** The bridge's name on each host, in mode `bridge`; networks that libvirt makes have one of their own. */
  readonly bridge?: string;
}

export type Arch = "aarch64" | "x86_64";
export type BoardModel = "pi4b" | "cm4" | "pi400" | "pi5" | "cm5" | "pi500" | "pc";
export type PiModel = Exclude<BoardModel, "pc">;
export type Role = "hypervisor" | "nfs-server" | "boot-server" | "worker";

export interface Board {
  readonly name: HostName;
  readonly model: BoardModel;
  readonly role: Role;
  readonly arch: Arch;
  /** 8 or 16 lower-case hex digits. Raspberry Pis only. */
  readonly serial?: string;
  readonly mac?: Mac;
  readonly address?: Ipv4;
}

/** `router`: the user's router serves DHCP alone; `proxy`: the boot server adds to it; `own`: the boot server alone. */
export type DhcpMode = "router" | "proxy" | "own";
/** What a bootloader asks for its files by. */
export type PrefixKind = "mac" | "serial" | "name";
export type BootMode = "network" | "sd" | "usb" | "nvme" | "bcm-usb" | "rpiboot" | "http" | "stop" | "restart";

export interface Boot {
  readonly server: BootServer;
  /** The boards that boot over the network, in natural order of the names. */
  readonly boards: readonly NetworkBoard[];
  /** What is in the bootloader of a board that says nothing else; missing where bootloaders are left as they are. */
  readonly bootloader?: Bootloader;
}

export interface BootServer {
  readonly board: HostName;
  readonly address: Ipv4;
  readonly connect: Connect;
  /** The login for SSH. */
  readonly user: string;
  readonly hostKey?: SshPublicKey;
  readonly dhcp: DhcpMode;
  /** Addresses for machines that the site does not name, in mode `own`. */
  readonly leases?: { readonly first: Ipv4; readonly last: Ipv4 };
  /** Whether Bramble runs the services; otherwise it only writes the folders. */
  readonly managed: boolean;
  readonly tftpRoot: string;
  readonly httpRoot: string;
  readonly httpPort: number;
  /** How many generations of a board's files are kept. */
  readonly keep: number;
  /** The artifact with firmware, device trees, kernel and initramfs. */
  readonly system: string;
  /** The set of packages. */
  readonly packages: string;
  /** How long a new board is waited for. */
  readonly patienceSeconds: number;
}

/** A Raspberry Pi that boots over the network. */
export interface NetworkBoard {
  readonly name: HostName;
  readonly role: Role;
  /** What it has in its system: of all boards, of its role, its own, in this order; those that the file has. */
  readonly layers: readonly ImageLayer[];
  /** The file system on a disk of its own, where it has one: its name in /dev/disk/by-id, and where it is mounted. */
  readonly drive?: { readonly id: string; readonly folder: string };
  /** The folder that outlives a reboot, on its drive or a shared storage; missing where it has neither. */
  readonly lasting?: string;
  readonly model: PiModel;
  readonly serial: string;
  readonly mac: Mac;
  readonly address: Ipv4;
  /** The login for SSH, by which its readiness report is read. */
  readonly user: string;
  /** The host key, where it is not the one that Bramble derives. */
  readonly hostKey?: SshPublicKey;
  /** Lines of config.txt and words of the command line, the site's before the board's own. */
  readonly settings: readonly string[];
  readonly overlays: readonly string[];
  readonly parameters: readonly string[];
  /** Missing where the bootloader is left as it is. */
  readonly bootloader?: Bootloader;
}

/** A part of what is in the system of boards. */
export interface ImageLayer {
  /** Where it stands: `boards.pi1.image`. */
  readonly at: string;
  readonly path: readonly string[];
  readonly packages: readonly string[];
  readonly services: Readonly<Partial<Record<Runlevel, readonly string[]>>>;
  readonly files: Readonly<Record<string, ImageFile>>;
  readonly users: readonly ImageUser[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly modules: readonly string[];
}

export type Runlevel = "sysinit" | "boot" | "default" | "shutdown";

export interface ImageFile {
  readonly text: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface ImageUser {
  readonly name: string;
  readonly uid: number;
  readonly groups: readonly string[];
  readonly keys: readonly SshPublicKey[];
  readonly shell: string;
}

/** A folder that hosts have in common over NFS. */
export interface SharedStorage {
  readonly name: string;
  readonly address: Ipv4;
  /** The board that serves it; missing where somebody else's machine does. */
  readonly server?: StorageServer;
  /** The folder on the server. */
  readonly path: string;
  /** Where it is mounted on each host. */
  readonly folder: string;
  /** The hosts that use it. */
  readonly clients: readonly { readonly host: HostName; readonly address: Ipv4 }[];
  /** The hosts that used it, and are said never to write again. */
  readonly lost: readonly { readonly host: HostName; readonly address: Ipv4 }[];
}

/** A board that is said never to write to a disk again. */
export interface LostHost {
  readonly name: HostName;
  /** Why, in somebody's words. */
  readonly reason: string;
}

export interface StorageServer {
  readonly board: HostName;
  /** Where its drive is mounted, if it boots over the network and so has no other disk. */
  readonly driveFolder?: string;
  readonly connect: Connect;
  /** The login for SSH. */
  readonly user: string;
  readonly hostKey?: SshPublicKey;
}

/** What is in a board's bootloader EEPROM. */
export interface Bootloader {
  /** Ends in `stop` or `restart`. */
  readonly order: readonly BootMode[];
  readonly prefix: PrefixKind;
  readonly fileTimeoutSeconds: number;
  readonly dhcpTimeoutSeconds: number;
  readonly retries: number;
  /** 0: none. */
  readonly watchdogSeconds: number;
  readonly uart: boolean;
  readonly hdmi: boolean;
  readonly networkInstall: boolean;
  readonly powerOffOnHalt: boolean;
  readonly wakeOnGpio: boolean;
  /** Milliampere. */
  readonly psuMaxCurrent?: 3000 | 5000;
  /** The user's word that an older version is meant: `to 2025-05-08`. */
  readonly downgrade?: string;
}

/** `ssh`: libvirt over SSH; `local`: libvirt on the machine that runs Pulumi. */
export type Connect = "ssh" | "local";
export type Accelerator = "kvm" | "tcg";

export interface Host {
  readonly name: HostName;
  readonly board: Board;
  readonly arch: Arch;
  readonly cores: number;
  /** Memory for VMs: what the board has less what is reserved for the host itself. */
  readonly memoryMiB: number;
  /** Disk for VMs. */
  readonly diskGiB: number;
  /** Missing only for `connect: local`. */
  readonly address?: Ipv4;
  readonly connect: Connect;
  /** The login for libvirt over SSH. */
  readonly user: string;
  readonly accelerator: Accelerator;
  /** The folder on the host that holds the pool; no other host uses it. */
  readonly storage: string;
  /** The storage that it has in common with other hosts, by name. */
  readonly shared?: string;
  /** Whether it boots over the network, so that it is asked what it runs before a VM is made on it. */
  readonly fromNetwork: boolean;
  /** The host key of a machine that is not ours to key. */
  readonly hostKey?: SshPublicKey;
}

export type Cluster = SlurmCluster | K3sCluster;

export interface SlurmCluster {
  readonly name: string;
  readonly type: "slurm";
  readonly controller: VmName;
  /** All workers, group by group. */
  readonly workers: readonly VmName[];
  readonly groups: readonly WorkerGroup[];
  readonly partitions: readonly Partition[];
  readonly drainTimeoutSeconds: number;
  /** True: the controller's data disk may be deleted with it. */
  readonly disposable: boolean;
}

export interface WorkerGroup {
  readonly name: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly members: readonly VmName[];
  /** Every member that the address range has room for, those that exist first: for /etc/hosts and NFS exports. */
  readonly slots: readonly Slot[];
}

export interface Slot {
  readonly name: VmName;
  readonly address: Ipv4;
}

export interface Partition {
  readonly name: string;
  /** Names of worker groups. */
  readonly groups: readonly string[];
  readonly maxTimeMinutes: number;
  readonly default: boolean;
}

export interface K3sCluster {
  readonly name: string;
  readonly type: "k3s";
  /** A release, such as `v1.35.0+k3s3`. */
  readonly version: string;
  /** The address of the API that moves to another server when one is lost; missing where there is none. */
  readonly endpoint?: Ipv4;
  /** Where the servers keep the cluster's state: one in a file, 3 or 5 in etcd, of which most must be there. */
  readonly datastore: "sqlite" | "etcd";
  /** The servers, of which the first begins the cluster. */
  readonly servers: readonly VmName[];
  /** Every server that the address range has room for, those that exist first. */
  readonly serverSlots: readonly Slot[];
  /** All agents, group by group. */
  readonly agents: readonly VmName[];
  readonly groups: readonly AgentGroup[];
  /** Network of the pods, as `10.42.0.0/16`. */
  readonly podsCidr: string;
  readonly servicesCidr: string;
  /** Address of the name server for pods, the tenth of the services. */
  readonly dns: Ipv4;
  /** Keys of k3s's config.yaml beyond those that Bramble writes, by its names. */
  readonly settings: { readonly servers: K3sSettings; readonly agents: K3sSettings };
  readonly registries?: K3sRegistries;
  /** The storage of the site on which pods get volumes. */
  readonly storage?: SharedStorage;
  readonly drainTimeoutSeconds: number;
  /** Why the servers may have disks too slow for etcd, in somebody's words. */
  readonly slowDisk?: string;
  /** True: the servers' data disks may be deleted with them. */
  readonly disposable: boolean;
}

export interface AgentGroup extends WorkerGroup {
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
}

export type K3sSettings = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What k3s's registries.yaml says, by its names. */
export interface K3sRegistries {
  readonly mirrors: Readonly<
    Record<
      string,
      { readonly endpoint: readonly string[]; readonly rewrite?: Readonly<Record<string, string>> | undefined }
    >
  >;
  readonly configs: Readonly<Record<string, { readonly tls?: RegistryTls | undefined }>>;
}

/** Paths of files on the nodes. */
export interface RegistryTls {
  readonly ca_file?: string | undefined;
  readonly cert_file?: string | undefined;
  readonly key_file?: string | undefined;
  readonly insecure_skip_verify?: boolean | undefined;
}

export type VmRole = "controller" | "worker" | "server" | "agent";

export interface Vm {
  readonly name: VmName;
  /** The same as the name. */
  readonly hostname: string;
  readonly cluster: string;
  readonly role: VmRole;
  /** The worker or agent group, `server` for the servers of a k3s cluster; missing for a controller. */
  readonly group?: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  /** The system disk. */
  readonly diskGiB: number;
  /** The data disk, which outlives the VM. Controllers and servers only. */
  readonly dataGiB?: number;
  readonly address: Ipv4;
  readonly mac: Mac;
  readonly uuid: Uuid;
  /** Where it runs. */
  readonly host: HostName;
  /** One sentence that says why it runs there. */
  readonly placement: string;
}

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly keys: readonly SshPublicKey[];
}

/** What a key of the site is for. */
export type KeyPurpose = "sshCa" | "sshHostKey" | "deployKey" | "mungeKey" | "k3sCa" | "k3sToken";
/** The rotation counter of each purpose; 1 at first. */
export type Epochs = Readonly<Record<KeyPurpose, number>>;

/** The most that one change may do at once. */
export interface Limits {
  /** VMs that move or are made again. */
  readonly moves: number;
  /** Boards that go, or are said to be lost. */
  readonly boards: number;
}

/** How boards restart that are to boot another version. */
export interface Rollout {
  /** How many do so at once; missing: one by one those that run VMs. */
  readonly batch?: number;
}

/** What a change is refused for, unless it is allowed. */
export type AllowableRule =
  | "quorum-lost"
  | "cluster-broken"
  | "last-controller"
  | "data-lost"
  | "disk-shared"
  | "storage-taken"
  | "too-many-boards"
  | "too-many-moves";

/** Somebody's word that one change is meant. */
export interface Allowance {
  /** What the refusal calls the change. */
  readonly plan: string;
  readonly because: string;
}
export type Allowances = Readonly<Partial<Record<AllowableRule, Allowance>>>;
