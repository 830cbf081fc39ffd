import * as z from "zod";
import { artifact, bootLine, choice, count, duration, folder, name, range } from "./fields.ts";
import { imageLayer } from "./schema-image.ts";

/** The part of the schema that is about network boot. */

/** What is in the EEPROM of a board. */
export const bootloader = z
  .strictObject({
    order: z
      .array(choice("network", "sd", "usb", "nvme", "bcm-usb", "rpiboot", "http", "stop", "restart"))
      .min(1)
      .max(8)
      .optional()
      .meta({
        description:
          "What a board tries to boot from, in this order; then it begins again, unless the last word is stop. Left out: [network, sd]",
        examples: [["network", "sd"]],
      }),
    prefix: choice("mac", "serial", "name").optional().meta({
      description:
        "What a board asks for its files by: MAC address, serial number, or its name in this file. Its files are there under all three. Left out: mac",
    }),
    fileTimeout: duration().optional().meta({
      description: "The longest that one file may take over TFTP. Left out: 5m, since a large initramfs takes its time",
    }),
    dhcpTimeout: duration().optional().meta({ description: "How long to wait for an address. Left out: 45s" }),
    retries: count(0, 1000)
      .optional()
      .meta({ description: "How often to try the network again before what is next in order. Left out: 0" }),
    watchdog: duration().optional().meta({
      description: "Resets a board whose boot has hung this long, for bootloaders from June 2025 on. Left out: off",
    }),
    uart: z
      .boolean()
      .optional()
      .meta({ description: "Whether the bootloader writes what it does to the serial port. Left out: true" }),
    hdmi: z.boolean().optional().meta({ description: "Whether it shows what it does on a screen. Left out: true" }),
    networkInstall: z.boolean().optional().meta({
      description:
        "Whether it offers Raspberry Pi's own network install, which takes a second of each boot. Left out: false",
    }),
    powerOffOnHalt: z
      .boolean()
      .optional()
      .meta({ description: "Whether a halted board takes no power at all. Left out: false" }),
    wakeOnGpio: z.boolean().optional().meta({ description: "Whether GPIO 3 wakes a halted Pi 4. Left out: true" }),
    psuMaxCurrent: z
      .union([z.literal(3000), z.literal(5000)])
      .optional()
      .meta({
        description: "What the power supply of a Pi 5 gives, in mA, where it can't say so itself",
        examples: [5000],
      }),
    downgrade: z
      .string()
      .max(40)
      .optional()
      .meta({
        description:
          "Lets a bootloader go back to an older version, in words: `to 2025-05-08`, the version in the lock file",
        examples: ["to 2025-05-08"],
      }),
  })
  .meta({
    description: "Settings in the boards' bootloader EEPROM. Left out: bootloaders are left as they are",
    examples: [{ order: ["network", "sd"] }],
  });

/** What a board boots with beyond what every board needs. `whose` ends the descriptions. */
export const bootFiles = (whose: string) => {
  const lines = (what: string, example: string) =>
    z
      .array(bootLine(example))
      .max(64)
      .optional()
      .meta({ description: what + whose, examples: [[example]] });
  return {
    settings: lines("Further lines of config.txt", "arm_boost=1"),
    overlays: lines("Device tree overlays, with their parameters after commas", "disable-wifi"),
    parameters: lines("Further kernel parameters", "loglevel=7"),
  };
};

/** How boards boot over the network. */
export const boot = z
  .strictObject({
    server: name("tower").meta({
      description: "The board that boot files are published on. It has an address, and is not started by itself",
    }),
    dhcp: choice("router", "proxy", "own").default("router").meta({
      description:
        "Who gives boards their addresses. router: yours does, and knows nothing of netboot. proxy: yours does, and the boot server adds what boards need. own: the boot server alone",
    }),
    leases: range()
      .optional()
      .meta({ description: "Addresses for machines that are not in this file, in mode own. Left out: they get none" }),
    manage: z.boolean().default(true).meta({
      description:
        "true: dnsmasq and nginx are installed and run on the server. false: you serve the folders by TFTP and HTTP yourself",
    }),
    tftp: folder("/srv/bramble/tftp")
      .prefault("/srv/bramble/tftp")
      .meta({ description: "Folder that is served by TFTP" }),
    http: folder("/srv/bramble/http")
      .prefault("/srv/bramble/http")
      .meta({ description: "Folder that is served by HTTP" }),
    httpPort: count(1, 65_534)
      .default(8080)
      .meta({ description: "Port of the HTTP server; on the next one, boards ask for their SSH host key" }),
    keep: count(1, 100).default(3).meta({ description: "How many versions of a board's files stay on the server" }),
    system: artifact("alpine-rpi").prefault("alpine-rpi").meta({
      description:
        "The archive in stacks/artifacts.lock.json that has firmware, device trees, kernel and initramfs, laid out like Alpine's for Raspberry Pis",
    }),
    ...bootFiles(", for all boards"),
    bootloader: bootloader.optional(),
    packages: artifact("alpine-packages-aarch64").prefault("alpine-packages-aarch64").meta({
      description: "The set in stacks/artifacts.lock.json that boards have their packages from",
    }),
    image: imageLayer
      .optional()
      .meta({ description: "What all boards have in their system beyond what Bramble needs" }),
    roles: z
      .strictObject({
        hypervisor: imageLayer.optional(),
        "nfs-server": imageLayer.optional(),
        "boot-server": imageLayer.optional(),
        worker: imageLayer.optional(),
      })
      .optional()
      .meta({ description: "The same for the boards of a role", examples: [{ hypervisor: { packages: ["htop"] } }] }),
    patience: duration().prefault("10m").meta({
      description: "How long `up` waits for a board that is new in this file, before its VMs are given up for now",
    }),
  })
  .meta({
    description: "How Raspberry Pis boot over the network. Left out: they boot from a disk of their own",
    examples: [{ server: "tower" }],
  });

export type BootInput = z.output<typeof boot>;
export type BootloaderInput = z.output<typeof bootloader>;
