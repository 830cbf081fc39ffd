import { type BootMode, modelsWith } from "./boot-order.ts";
import type { Chip, PiModel } from "./raspberry-pi.ts";

/** What values a property takes. */
type ValueKind =
  | { readonly kind: "flag" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number; readonly unit?: string }
  | { readonly kind: "choice"; readonly numbers: readonly number[]; readonly unit?: string }
  /** A number of 32 bits that is written in hex. */
  | { readonly kind: "bits" }
  /** The file has the word's place in the list. */
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "bootOrder" }
  | { readonly kind: "ipv4" }
  /** `form` says in words what the pattern asks for. */
  | { readonly kind: "text"; readonly pattern: RegExp; readonly form: string };

export type BootProperty = ValueKind & {
  /** The models that know it; all, if absent. */
  readonly models?: readonly PiModel[];
  /** The bootloader's release that brought it, as `2026-04-14` or `2020-03`. */
  readonly since?: string | Readonly<Record<Chip, string>>;
};

const pi4Family = modelsWith("2711");
const pi5Family = modelsWith("2712");
const most = 2 ** 32 - 1;
const mostSigned = 2 ** 31 - 1;

const flag = { kind: "flag" } as const;
const bits = { kind: "bits" } as const;
const ipv4 = { kind: "ipv4" } as const;
const count = { kind: "integer", min: 0, max: most } as const;
/** -1 is for ever. */
const retries = { kind: "integer", min: -1, max: mostSigned } as const;
const plain = "printable ASCII without spaces, quotes and #";
const printable = { kind: "text", pattern: /^[!$-&(-~]+$/, form: plain } as const;

/**
 * The properties of bootconf.txt by their official names, in the order in which they are written (reference "Raspberry
 * Pi boot" §1.3). Left out on purpose: what is in `notProperties`, and `gpio=`, which is not a setting with one value.
 */
export const bootProperties = {
  BOOT_UART: flag,
  UART_BAUD: {
    kind: "choice",
    numbers: [9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600],
    unit: "baud",
    models: pi5Family,
  },

  BOOT_ORDER: { kind: "bootOrder" },
  /** How often "restart" begins again. */
  MAX_RESTARTS: retries,
  REBOOT_ON_FATAL_ERROR: { ...flag, since: "2026-04-14" },
  BOOT_WATCHDOG_TIMEOUT: { ...count, unit: "s", since: { "2711": "2025-07-03", "2712": "2025-06-20" } },
  BOOT_WATCHDOG_PARTITION: { ...count, since: { "2711": "2025-07-03", "2712": "2025-06-20" } },
  PARTITION: { ...count, since: "2022-02-04" },
  PARTITION_WALK: { ...flag, since: "2025-02" },
  BOOTVAR0: { ...bits, since: { "2711": "2025-11-27", "2712": "2025-07-17" } },
  SIGNED_BOOT: flag,

  TFTP_PREFIX: { kind: "words", words: ["serial", "fixed", "mac"], since: "2019-10-08" },
  /** Joined to the file's name as it is, so it ends with a slash. */
  TFTP_PREFIX_STR: {
    kind: "text",
    pattern: /^[!$-&(-~]{1,32}$/,
    form: `up to 32 characters of ${plain}`,
    since: "2019-10-08",
  },
  TFTP_IP: { ...ipv4, since: "2020-01-17" },
  /** For one whole file, not for a packet. */
  TFTP_FILE_TIMEOUT: { kind: "integer", min: 5000, max: most, unit: "ms" },
  NET_BOOT_MAX_RETRIES: retries,
  /** For the whole exchange. */
  DHCP_TIMEOUT: { kind: "integer", min: 5000, max: most, unit: "ms" },
  /** Between two requests. */
  DHCP_REQ_TIMEOUT: { kind: "integer", min: 500, max: most, unit: "ms" },
  /** The text that an offer must have in option 43. */
  PXE_OPTION43: {
    kind: "text",
    pattern: /^[!$-&(-~]+( [!$-&(-~]+)*$/,
    form: `words of ${plain}`,
  },
  /** The first 4 bytes of option 97; 0 stands for the serial number, four times. */
  DHCP_OPTION97: bits,
  CLIENT_IP: { ...ipv4, since: "2020-03" },
  SUBNET: { ...ipv4, since: "2020-03" },
  GATEWAY: { ...ipv4, since: "2020-03" },
  MAC_ADDRESS: {
    kind: "text",
    pattern: /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
    form: "a MAC address such as dc:a6:32:01:36:c2",
  },
  /** The two rows of the one-time memory that hold a MAC address. */
  MAC_ADDRESS_OTP: {
    kind: "text",
    pattern: /^[0-7],[0-7]$/,
    form: "two rows from 0 to 7, as in 0,1",
    since: "2022-11-02",
  },
  NETCONSOLE: {
    kind: "text",
    pattern: /^(?=.{1,32}$)\d*@[\d.]*\/[a-z0-9.]*,\d*@[\d.]*\/[0-9a-f:]*$/i,
    form: "sport@sip/dev,dport@dip/dmac with all separators and at most 32 characters",
  },

  HTTP_HOST: { kind: "text", pattern: /^[a-z0-9.-]+$/, form: "a host name in lower case" },
  HTTP_PORT: { kind: "integer", min: 1, max: 65535 },
  HTTP_PATH: printable,
  /** The certificate itself is the file cacert.der in the image. */
  HTTP_CACERT_HASH: {
    kind: "text",
    pattern: /^[0-9a-f]{64}$/i,
    form: "the SHA-256 of the certificate in DER, as 64 hex digits",
    since: "2024-04-05",
  },
  IMAGER_REPO_URL: printable,
  NET_INSTALL_ENABLED: flag,
  NET_INSTALL_AT_POWER_ON: { ...flag, since: "2024-10-10" },
  /** 0 is off. */
  NET_INSTALL_KEYBOARD_WAIT: { ...count, unit: "ms" },

  SD_BOOT_MAX_RETRIES: retries,
  SD_OVERCURRENT_CHECK: {
    ...flag,
    models: ["pi4b", "pi5", "pi500"],
    since: { "2711": "2025-07-03", "2712": "2025-06-29" },
  },
  /** 1 is no high speed. */
  SD_QUIRKS: { ...bits, models: pi5Family, since: "2025-01-06" },
  USB_MSD_EXCLUDE_VID_PID: {
    kind: "text",
    pattern: /^[0-9a-f]{8}(,[0-9a-f]{8}){0,3}$/i,
    form: "up to 4 devices of 8 hex digits, with commas",
  },
  USB_MSD_DISCOVER_TIMEOUT: { kind: "integer", min: 5000, max: most, unit: "ms" },
  USB_MSD_LUN_TIMEOUT: { kind: "integer", min: 100, max: most, unit: "ms" },
  USB_MSD_PWR_OFF_TIME: { kind: "integer", min: 0, max: 5000, unit: "ms", models: pi4Family },
  USB_MSD_STARTUP_DELAY: { kind: "integer", min: 0, max: 30000, unit: "ms" },
  VL805: { ...flag, models: ["cm4"] },
  XHCI_DEBUG: bits,
  PCIE_PROBE: { ...flag, models: pi5Family },

  /** 2 is for a Pi 400 with a button of its own. */
  WAKE_ON_GPIO: { kind: "choice", numbers: [0, 1, 2], models: pi4Family },
  POWER_OFF_ON_HALT: flag,
  WAIT_FOR_POWER_BUTTON: { ...flag, models: pi5Family, since: "2025-01-13" },
  PSU_MAX_CURRENT: { kind: "choice", numbers: [3000, 5000], unit: "mA", models: pi5Family },
  DISABLE_HDMI: flag,
  HDMI_DELAY: { ...count, unit: "s" },
  SDRAM_BANKLOW: { kind: "integer", min: 0, max: 4 },
  ENABLE_SELF_UPDATE: flag,
  FREEZE_VERSION: flag,
} as const satisfies Record<string, BootProperty>;

export type BootPropertyName = keyof typeof bootProperties;

type ValueOf<Kind> = Kind extends { kind: "flag" }
  ? boolean
  : Kind extends { kind: "integer" | "bits" }
    ? number
    : Kind extends { kind: "choice"; numbers: readonly (infer Value)[] }
      ? Value
      : Kind extends { kind: "words"; words: readonly (infer Word)[] }
        ? Word
        : Kind extends { kind: "bootOrder" }
          ? readonly BootMode[]
          : string;

/** The bootloader's settings. What is absent has the bootloader's default. */
export type BootConf = { readonly [Name in BootPropertyName]?: ValueOf<(typeof bootProperties)[Name]> };
export type BootValue = ValueOf<(typeof bootProperties)[BootPropertyName]>;

/** Names that the bootloader knows, or that people take for properties, and why they are not settings here. */
const notProperties: Readonly<Record<string, string>> = {
  USE_IPV6: "is experimental and does not work in released bootloaders; remove it",
  HTTP_CACERT: "is no property; the certificate is the file cacert.der in the image, and HTTP_CACERT_HASH its hash",
  DISABLE_SELF_UPDATE: "is no property; the one that exists is ENABLE_SELF_UPDATE",
  ENABLE_NETWORK_INSTALL: "is no property; the one that exists is NET_INSTALL_ENABLED",
  eeprom_write_protect: "belongs in the config.txt beside recovery.bin, not in bootconf.txt",
};

export function isBootProperty(name: string): name is BootPropertyName {
  return Object.hasOwn(bootProperties, name);
}

/** What is wrong with a name that is no property, which the bootloader would skip without a word. */
export function unknownProperty(name: string): string {
  const why = Object.hasOwn(notProperties, name) ? notProperties[name] : undefined;
  if (why !== undefined) return `${name} ${why}`;
  const near = nearestProperty(name);
  const shown = JSON.stringify(name.slice(0, 40));
  return `${shown} is no property of the bootloader; ${near === undefined ? "remove it" : `did you mean ${near}?`}`;
}

/** The property that a mistyped name begins or ends like for longest, if that is most of it. */
function nearestProperty(name: string): string | undefined {
  const wanted = name.toUpperCase();
  const likeness = (known: string) => {
    let head = 0;
    while (head < wanted.length && wanted[head] === known[head]) head++;
    let tail = 0;
    while (tail < wanted.length - head && wanted.at(-1 - tail) === known.at(-1 - tail)) tail++;
    return head + tail - Math.abs(known.length - wanted.length) / 2;
  };
  const [best = ""] = Object.keys(bootProperties).sort((a, b) => likeness(b) - likeness(a));
  return likeness(best) >= (wanted.length * 2) / 3 ? best : undefined;
}
