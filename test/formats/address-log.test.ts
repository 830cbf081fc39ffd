import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import { type AddressEvent, parseDhcpLog, parseStrayTftp } from "../../formats/address-log.ts";
import type { LogClock } from "../../formats/boot-log.ts";

const mac = "dc:a6:32:01:36:c2";
const clock: LogClock = { now: Date.UTC(2026, 10, 29, 20, 10) / 1000, offsetMinutes: 0 };

function dhcp(...lines: readonly string[]): string[] {
  const text = lines.map((line, index) => `Nov 29 20:08:0${index} dnsmasq-dhcp[61]: ${line}`).join("\n");
  return parseDhcpLog(text, mac, clock).map(words);
}

function words({ kind, address = "" }: AddressEvent): string {
  return `${kind} ${address}`.trim();
}

/** Lines as dnsmasq 2.90 wrote them. */
describe("what dnsmasq notes of DHCP", () => {
  it("says how a board got its address", () => {
    deepEqual(
      dhcp(
        `DHCPDISCOVER(eth0) ${mac} `,
        `DHCPOFFER(eth0) 10.20.0.11 ${mac} `,
        `DHCPREQUEST(eth0) 10.20.0.11 ${mac} `,
        `DHCPACK(eth0) 10.20.0.11 ${mac} pi4`,
        `PXE(eth0) ${mac} proxy`,
      ),
      ["discover", "offer 10.20.0.11", "request 10.20.0.11", "given 10.20.0.11", "told"],
    );
  });

  it("says that a board took the offer of another server", () => {
    deepEqual(
      dhcp(
        `DHCPREQUEST(eth0) 10.20.0.197 ${mac} `,
        `DHCPNAK(eth0) 10.20.0.197 ${mac} wrong server-ID`,
        `DHCPNAK(eth0) 10.20.0.197 ${mac} address not available`,
      ),
      ["request 10.20.0.197", "other-server 10.20.0.197", "refused 10.20.0.197"],
    );
  });

  it("can't be made to say something of another board by the name that a machine gives itself", () => {
    deepEqual(dhcp(`DHCPACK(eth0) 10.20.0.66 b8:27:eb:00:00:01 ${mac}`, `DHCPFOO(eth0) ${mac}`), []);
  });

  it("is read whatever stands there", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        dhcp(text, `DHCPACK(${text}) ${mac}`);
      }),
    );
  });
});

describe("files of a board that another address asks for", () => {
  it("are told by their folder, and are no others than its own", () => {
    const tftp = (said: string) => `Nov 29 20:08:00 dnsmasq-tftp[61]: ${said}`;
    const log = [
      tftp("sent /srv/tftp/dc-a6-32-01-36-c2/start4.elf to 10.20.0.11"),
      tftp("sent /srv/tftp/dc-a6-32-01-36-c2/start4.elf to 10.20.0.166"),
      tftp("file /srv/tftp/9ffefd01/config.txt not found for 10.20.0.167"),
      tftp("sent /srv/tftp/9ffefd012/config.txt to 10.20.0.168"),
    ].join("\n");
    const board = { address: "10.20.0.11", folders: ["dc-a6-32-01-36-c2", "9ffefd01"] };
    deepEqual(parseStrayTftp(log, board, clock).map(words), ["files-from 10.20.0.166", "files-from 10.20.0.167"]);
  });
});
