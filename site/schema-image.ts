import * as z from "zod";
import { count, userKey, userName } from "./fields.ts";
import { filePath, kernelModule, mode, packageWord, serviceName, sysctlKey, sysctlValue } from "./fields-image.ts";

/** The part of the schema that is about what boards have in their system. */

const services = (when: string) =>
  z
    .array(serviceName())
    .max(64)
    .optional()
    .meta({ description: `Services that are started ${when}; \`!NAME\` takes one away`, examples: [["NAME"]] });

const file = z
  .strictObject({
    text: z
      .string()
      .max(65_536)
      .meta({ description: "What is in it", examples: ["one line\n"] }),
    mode: mode()
      .prefault("0644")
      .meta({ description: "Who may read, write and run it, in octal digits and in quotes" }),
    uid: count(0, 65_534).default(0).meta({ description: "Number of its owner" }),
    gid: count(0, 65_534).default(0).meta({ description: "Number of its group" }),
  })
  .meta({ description: "A text file", examples: [{ text: "one line\n" }] });

const user = z
  .strictObject({
    uid: count(1000, 60_000).meta({ description: "Number of the user, from 1000", examples: [1001] }),
    groups: z.array(userName()).max(32).default([]).meta({ description: "Groups to be in, besides one of its own" }),
    keys: z.array(userKey()).max(32).default([]).meta({ description: "SSH public keys that open the login" }),
    shell: filePath("/bin/ash").prefault("/bin/ash").meta({ description: "Login shell" }),
  })
  .meta({ description: "A login on the boards themselves", examples: [{ uid: 1001 }] });

/** What goes into the image of a board. Later layers add to earlier ones: all boards, the role, the board. */
export const imageLayer = z
  .strictObject({
    packages: z
      .array(packageWord())
      .max(256)
      .default([])
      .meta({
        description: "Packages of Alpine, as in its world file: `htop`, `htop>3`, `!htop`",
        examples: [["htop"]],
      }),
    services: z
      .strictObject({
        sysinit: services("before all others"),
        boot: services("when the system boots"),
        default: services("when it has booted"),
        shutdown: services("when it goes down"),
      })
      .default({})
      .meta({ description: "Services of OpenRC by runlevel", examples: [{ default: ["node-exporter"] }] }),
    files: z
      .record(filePath("/etc/motd"), file)
      .default({})
      .meta({
        description: "Files by path. Everybody in the boot network can read them",
        examples: [{ "/etc/motd": { text: "Hi" } }],
      }),
    users: z.record(userName(), user).default({}).meta({ description: "Logins on the boards themselves" }),
    sysctls: z
      .record(sysctlKey(), sysctlValue())
      .default({})
      .meta({ description: "Settings of the kernel by name", examples: [{ "vm.swappiness": "10" }] }),
    modules: z
      .array(kernelModule())
      .max(64)
      .default([])
      .meta({ description: "Kernel modules to load", examples: [["wireguard"]] }),
  })
  .meta({ description: "What boards have in their system", examples: [{ packages: ["htop"] }] });

export type ImageLayerInput = z.output<typeof imageLayer>;
