import { deepEqual, equal } from "node:assert/strict";
import { type DhcpReply, dhcpReply, dhcpRequest, ipv4Bytes, optionCodes } from "./dhcp-packet.ts";
import { bootServerIn } from "./pi-dhcp.ts";

describe("a Raspberry Pi that looks at a DHCP offer", () => {
  // Known to work (reference §2.1).
  const menu = Buffer.concat([
    Buffer.from("060103" + "0a0400505845" + "0914000011", "hex"),
    Buffer.from("Raspberry Pi Boot"),
    Buffer.from("ff", "hex"),
  ]);

  it("takes its sender for the TFTP server if option 43 has the text", () => {
    deepEqual(bootServerIn(offer({ vendor: menu })), { server: "10.20.0.2" });
    deepEqual(bootServerIn(offer({ vendor: menu, nextServer: "10.20.0.2" })), { server: "10.20.0.2" });
  });

  it("takes the address in option 66, wherever the offer comes from", () => {
    deepEqual(bootServerIn(offer({ tftpServer: Buffer.from("10.20.0.9") })), { server: "10.20.0.9" });
  });

  for (const [what, fields] of [
    ["a host name in option 66", { tftpServer: Buffer.from("boot.lan") }],
    ["an address as 4 bytes in option 66", { tftpServer: ipv4Bytes("10.20.0.9") }],
    ["an address with a NUL behind it in option 66", { tftpServer: Buffer.from("10.20.0.9\0") }],
    ["a next server alone", { nextServer: "10.20.0.9" }],
    ["another text in option 43", { vendor: Buffer.from(menu.toString("latin1").replace("Boot", "Root"), "latin1") }],
    ["an option 43 of another kind", { vendor: Buffer.from("http://acs.example/\x09\xff", "latin1") }],
    ["the text outside of a menu", { vendor: Buffer.from("\x0a\x11Raspberry Pi Boot\xff", "latin1") }],
    ["option 43 and a next server that is another", { vendor: menu, nextServer: "10.20.0.9" }],
    ["option 43 and option 66 that differ", { vendor: menu, tftpServer: Buffer.from("10.20.0.9") }],
  ] as const) {
    it(`finds no server in ${what}`, () => equal("server" in bootServerIn(offer(fields)), false));
  }

  it("looks for the text that its bootconf has", () => {
    equal("server" in bootServerIn(offer({ vendor: menu }), { PXE_OPTION43: "Shelf" }), false);
    deepEqual(bootServerIn(offer({ vendor: menu }), { PXE_OPTION43: "Raspberry" }), { server: "10.20.0.2" });
  });
});

describe("a DHCP message", () => {
  const asker = { xid: 0x0263d70c, mac: "dc:a6:32:0a:ef:79" };
  const answer = dhcpRequest(asker, new Map([[optionCodes.messageType, Uint8Array.of(2)]]));
  answer[0] = 2;

  it("is read where it answers the asker, and not where it answers somebody else", () => {
    equal(dhcpReply(answer, "10.20.0.2", asker)?.type, 2);
    equal(dhcpReply(answer, "10.20.0.2", { ...asker, xid: 1 }), undefined);
    equal(dhcpReply(answer, "10.20.0.2", { ...asker, mac: "dc:a6:32:0a:ef:7a" }), undefined);
    equal(dhcpReply(Buffer.from("junk"), "10.20.0.2", asker), undefined);
  });
});

interface Fields {
  readonly vendor?: Uint8Array;
  readonly tftpServer?: Uint8Array;
  readonly nextServer?: string;
}

function offer({ vendor, tftpServer, nextServer = "0.0.0.0" }: Fields): DhcpReply {
  const options = new Map([[optionCodes.server, ipv4Bytes("10.20.0.2")]]) as Map<number, Uint8Array>;
  if (vendor !== undefined) options.set(optionCodes.vendor, vendor);
  if (tftpServer !== undefined) options.set(optionCodes.tftpServer, tftpServer);
  return { type: 2, from: "10.20.0.2", address: "10.20.0.11", nextServer, options };
}
