import { dnsmasqLines, type LogClock, parseAllTftp } from "./boot-log.ts";

/**
 * Which address a board got, as a boot server saw it: what dnsmasq noted of DHCP (its rfc2131.c), and files of the board
 * that another address asked for. By this a second DHCP server shows, which the boot server itself never hears.
 */
export interface AddressEvent {
  /** Seconds since 1970. */
  readonly at: number;
  readonly kind: /** It looks for an address. */
    | "discover"
    /** The boot server offered it {@link address}. */
    | "offer"
    /** It wants {@link address}; this may be the offer of another server. */
    | "request"
    /** The boot server gave it {@link address}. */
    | "given"
    /** The boot server told it where its files are; its address is another server's matter. */
    | "told"
    /** The boot server refused it {@link address}. */
    | "refused"
    /** It took the offer of another DHCP server, of {@link address}. */
    | "other-server"
    /** Its files were asked for from {@link address}, which is not the board's. */
    | "files-from";
  readonly address?: string;
}

/** The first word of a line about DHCP; a name that the machine gives itself may follow the MAC address. */
const dhcpWords =
  /^(DHCP[A-Z]+|PXE)\([^)\s]*\) (?:(\d{1,3}(?:\.\d{1,3}){3}) )?([0-9a-f]{2}(?::[0-9a-f]{2}){5})(?: (.*))?$/;
const kinds: Readonly<Record<string, AddressEvent["kind"]>> = {
  DHCPDISCOVER: "discover",
  DHCPOFFER: "offer",
  DHCPREQUEST: "request",
  DHCPACK: "given",
  PXE: "told",
  DHCPNAK: "refused",
};
/** What dnsmasq says, as the only server of a network, to one that took the offer of another. */
const otherServer = "wrong server-ID";

/** What dnsmasq noted of DHCP for a MAC address, in the order of its log. */
export function parseDhcpLog(text: string, mac: string, clock: LogClock): AddressEvent[] {
  return dnsmasqLines(text, "dhcp", clock).flatMap(({ at, said }): AddressEvent[] => {
    const [, word = "", address, of, more] = dhcpWords.exec(said) ?? [];
    const kind = kinds[word];
    if (kind === undefined || of !== mac) return [];
    const meant = kind === "refused" && more === otherServer ? "other-server" : kind;
    return [{ at, kind: meant, ...(address === undefined ? {} : { address }) }];
  });
}

/** Which other addresses than the board's asked for files in its boot folders, in the order of the log. */
export function parseStrayTftp(
  text: string,
  { address, folders }: { readonly address: string; readonly folders: readonly string[] },
  clock: LogClock,
): AddressEvent[] {
  return parseAllTftp(text, clock).flatMap(({ at, path, to }): AddressEvent[] => {
    const isItsOwn = path.split("/").some((part) => folders.includes(part));
    return isItsOwn && to !== address ? [{ at, kind: "files-from", address: to }] : [];
  });
}
