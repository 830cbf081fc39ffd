import * as z from "zod";
import {
  bridge,
  choice,
  cidr,
  count,
  disk,
  drive,
  folder,
  folderOrName,
  hostKey,
  ipv4,
  mac,
  memory,
  name,
  reason,
  serial,
  timeServer,
  userKey,
  userName,
} from "./fields.ts";
import { siteFilePattern } from "./names.ts";
import { boot, bootFiles, bootloader } from "./schema-boot.ts";
import { allow, limits, rollout } from "./schema-changes.ts";
import { imageLayer } from "./schema-image.ts";
import { k3sCluster } from "./schema-k3s.ts";
import { slurmCluster } from "./schema-slurm.ts";

/** What a site file may say. Every key is described: the text goes to editors, messages and docs/site.md. */

/** What is true of a board because of its model. `mostGiB` is the largest memory it was ever sold with. */
export const boardModels = {
  pi4b: { title: "Raspberry Pi 4 Model B", cores: 4, mostGiB: 8 },
  cm4: { title: "Compute Module 4", cores: 4, mostGiB: 8 },
  pi400: { title: "Raspberry Pi 400", cores: 4, mostGiB: 4 },
  pi5: { title: "Raspberry Pi 5", cores: 4, mostGiB: 16 },
  cm5: { title: "Compute Module 5", cores: 4, mostGiB: 16 },
  pi500: { title: "Raspberry Pi 500", cores: 4, mostGiB: 16 },
} as const;

const network = z
  .strictObject({
    cidr: cidr().meta({ description: "The network of the site, which VMs and boards have addresses in" }),
    gateway: ipv4("10.20.0.1")
      .optional()
      .meta({ description: "The router. Needed in mode bridge; in mode nat it is the first address" }),
    dns: z
      .array(ipv4("10.20.0.1"))
      .max(8)
      .optional()
      .meta({ description: "Name servers for the VMs. Left out: the gateway" }),
    ntp: z.array(timeServer()).max(8).default([]).meta({ description: "Time servers for the VMs, addresses or names" }),
    mode: choice("bridge", "isolated", "nat").default("bridge").meta({
      description:
        "bridge: VMs attach to a bridge that exists on each host. isolated, nat: libvirt makes the network itself, on one host only",
    }),
    bridge: bridge().optional().meta({ description: "Name of the bridge on each host, in mode bridge. Left out: br0" }),
  })
  .meta({ description: "The network that the VMs are in", examples: [{ cidr: "10.20.0.0/24", gateway: "10.20.0.1" }] });

const board = z
  .strictObject({
    model: choice("pi4b", "cm4", "pi400", "pi5", "cm5", "pi500", "pc").meta({
      description: "What machine it is; pc is any other",
    }),
    memory: memory(512).meta({ description: "The memory it has" }),
    serial: serial()
      .optional()
      .meta({ description: "Serial number, in quotes. Raspberry Pis need it: it names their boot folder" }),
    mac: mac().optional().meta({ description: "MAC address of the Ethernet port. Raspberry Pis need it" }),
    address: ipv4().optional().meta({ description: "Its address. Needed unless `connect: local`" }),
    role: choice("hypervisor", "nfs-server", "boot-server", "worker").default("hypervisor").meta({
      description:
        "What it does. hypervisor: runs VMs, and may be the boot server too. The others run none. nfs-server: has the disks of a `storage`. worker: is ready for programs that run without a VM",
    }),
    boot: choice("network", "disk").optional().meta({
      description: "What a Raspberry Pi boots from. Left out: network where the site has a `boot` section",
    }),
    ...bootFiles(", after those of `boot`"),
    bootloader: bootloader.optional().meta({ description: "Settings of its bootloader that are not those of `boot`" }),
    image: imageLayer.optional().meta({
      description: "What it has in its system beyond the boards of its role. It gets an image of its own then",
    }),
    arch: choice("x86_64", "aarch64")
      .optional()
      .meta({ description: "Processor of a pc. Left out: x86_64. Raspberry Pis are aarch64" }),
    cores: count(1, 512).optional().meta({ description: "Processor cores of a pc. Raspberry Pis have 4" }),
    hostKey: hostKey().optional().meta({
      description:
        "The machine's own Ed25519 SSH host key, where it was not set up by this project. A pc needs it unless `connect: local`",
    }),
    connect: choice("ssh", "local")
      .default("ssh")
      .meta({ description: "How libvirt is reached: ssh, or local on the machine that runs Pulumi" }),
    user: userName().prefault("root").meta({ description: "Login for SSH" }),
    accelerator: choice("kvm", "tcg")
      .default("kvm")
      .meta({ description: "kvm, or tcg where the processor cannot virtualise (slow)" }),
    storage: folderOrName().optional().meta({
      description:
        "Where the disks of its VMs are: the name of a `storage`, or a folder on the machine. Left out: /var/lib/libvirt/bramble. A board that boots over the network keeps nothing in a folder: give it a name, or a `drive`",
    }),
    drive: drive().optional().meta({
      description:
        "A partition with ext4 on it, by its name in /dev/disk/by-id, that a board which boots over the network has its VMs' disks on",
    }),
    disk: disk(8).prefault("100GiB").meta({ description: "Space in that folder for the disks of VMs" }),
    reserve: memory(64)
      .prefault("512MiB")
      .meta({ description: "Memory that the machine keeps for itself and for what runs VMs" }),
    lost: reason()
      .optional()
      .meta({
        description:
          "In words, why it can never write to a disk again: it is off, unplugged, broken. Its VMs are then made on other boards without asking it",
        examples: ["unplugged by Ann on 2026-11-25"],
      }),
  })
  .meta({ description: "One physical machine" });

const storage = z
  .strictObject({
    server: name("nas").optional().meta({
      description:
        "The board of role nfs-server that has it. `up` exports it to the hosts that use it, and to nobody else",
    }),
    address: ipv4("10.20.0.6")
      .optional()
      .meta({ description: "Instead of `server`: the address of a NAS that you look after yourself" }),
    path: folder("/srv/bramble/storage").prefault("/srv/bramble/storage").meta({
      description:
        "Folder on the server, with nothing else in it. `up` makes it, marks it, and deletes nothing in it but what is the hosts' own",
    }),
  })
  .meta({ description: "A folder that hosts share over NFS 4.2", examples: [{ server: "nas" }] });

const cluster = z
  .discriminatedUnion("type", [slurmCluster, k3sCluster])
  .meta({ description: "A cluster of VMs; its other keys depend on its type" });

const user = z
  .strictObject({
    uid: count(0, 2_147_483_647).meta({ description: "The same number on all nodes, from 1000", examples: [2001] }),
    keys: z.array(userKey()).max(32).default([]).meta({
      description: "SSH public keys that open the login; none: nobody logs in as this user, jobs may run as it",
    }),
  })
  .meta({
    description: "A person who uses the clusters",
    examples: [{ uid: 2001, keys: ["ssh-ed25519 AAAA… alice"] }],
  });

const epoch = () => count(1, 1_000_000).default(1);
const keys = z
  .strictObject({
    epoch: z
      .strictObject({
        sshCa: epoch().meta({ description: "Of the key that signs SSH certificates" }),
        sshHostKey: epoch().meta({ description: "Of the machines' SSH host keys" }),
        deployKey: epoch().meta({ description: "Of the key by which the project logs in" }),
        mungeKey: epoch().meta({ description: "Of the key that the nodes of a Slurm cluster share" }),
        k3sCa: epoch().meta({
          description: "Of the authorities of a k3s cluster; a cluster that runs can't take others",
        }),
        k3sToken: epoch().meta({ description: "Of the token by which nodes join a k3s cluster" }),
      })
      .prefault({})
      .meta({ description: "A counter per purpose; raise it by one to replace the key" }),
  })
  .prefault({})
  .meta({ description: "Rotation of the keys that are derived from the site's secret" });

const shape = {
  // Read and followed before the schema is asked; here for editors and the reference.
  base: z
    .string()
    .optional()
    .meta({
      pattern: siteFilePattern,
      examples: ["shelf.yaml"],
      description:
        "Another site file beside this one, which this one is laid over: keys are merged, `null` takes one out (docs/environments.md)",
    }),
  site: name("home").optional().meta({ description: "Name of the site. Left out: the name of the file" }),
  network,
  boot: boot.optional(),
  boards: z
    .record(name(), board)
    .meta({ description: "Every physical machine by name", examples: [{ pi1: { model: "pi5", memory: "8GiB" } }] }),
  storage: z
    .record(name("shelf"), storage)
    .default({})
    .meta({
      description: "Shared storage by name; boards use it by `storage: NAME`",
      examples: [{ shelf: { server: "nas" } }],
    }),
  clusters: z.record(name(), cluster).default({}).meta({ description: "Clusters of VMs by name" }),
  users: z
    .record(userName(), user)
    .default({})
    .meta({ description: "People by login; they come in over SSH to the controller" }),
  keys,
  limits,
  rollout,
  allow,
};

export const siteSchema = z
  .strictObject(shape)
  .meta({ title: "Site", description: "What one stack describes: boards, and clusters of VMs on them" });

/** The same with every section optional: what is left of a site when the parts with mistakes are taken out. */
export const partialSiteSchema = z.strictObject(shape).partial();

export type SiteInput = z.output<typeof partialSiteSchema>;
export type NetworkInput = z.output<typeof network>;
export type BoardInput = z.output<typeof board>;
export type StorageInput = z.output<typeof storage>;
export type UserInput = z.output<typeof user>;

/** JSON Schema (draft 7, which YAML editors know) of the site file as a person writes it. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(siteSchema, {
    io: "input",
    target: "draft-7",
    // zod takes examples for values after the transformation and leaves them out here; ours are as people write them.
    override: ({ zodSchema, jsonSchema: node }) => {
      const examples: unknown = z.globalRegistry.get(zodSchema)?.examples;
      if (Array.isArray(examples)) node.examples = examples;
    },
  });
  return { ...schema };
}
