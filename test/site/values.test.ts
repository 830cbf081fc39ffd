import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ipv4ToNumber,
  numberToIpv4,
  parseCidr,
  parseIpv4,
  parseMac,
  parseRange,
  printRange,
} from "../../site/addresses.ts";
import { naturalOrder } from "../../site/natural-order.ts";
import { nearest } from "../../site/nearest.ts";
import { type Parsed, show } from "../../site/problem.ts";
import { parseHostKey, parseUserKey } from "../../site/ssh-public-key.ts";
import { parseDuration, parseSize, printSize } from "../../site/units.ts";
import { ed25519Key } from "./shelf.ts";

function accepted<T>(parsed: Parsed<T>): T {
  assert.ok("value" in parsed, JSON.stringify(parsed));
  return parsed.value;
}

function refusedFor(parsed: Parsed<unknown>): string {
  assert.ok("hint" in parsed, JSON.stringify(parsed));
  return parsed.hint;
}

describe("sizes", () => {
  it("are binary and whole", () => {
    assert.equal(accepted(parseSize("4GiB")), 4096);
    assert.equal(accepted(parseSize("512MiB")), 512);
    assert.equal(accepted(parseSize("2TiB")), 2 * 1024 * 1024);
  });

  it("in other units say what to write instead", () => {
    const hints = {
      "4GB": "4GiB",
      "4G": "4GiB",
      "4 GiB": "4GiB",
      "512m": "512MiB",
      "1.5GiB": "1536MiB",
      "4gib": "4GiB",
    };
    for (const [text, instead] of Object.entries(hints)) assert.equal(refusedFor(parseSize(text)), `write ${instead}`);
    for (const text of ["", "GiB", "-1GiB", "0GiB", "4", "1e3GiB", `${"9".repeat(400)}GiB`])
      assert.match(refusedFor(parseSize(text)), /GiB/);
  });

  it("are printed as they are read", () => {
    assert.deepEqual([512, 4096, 7680].map(printSize), ["512MiB", "4GiB", "7.5GiB"]);
  });
});

describe("times", () => {
  it("have one unit", () => {
    assert.deepEqual(
      ["90s", "30m", "24h", "2d"].map((text) => accepted(parseDuration(text))),
      [90, 1800, 86_400, 172_800],
    );
    assert.equal(refusedFor(parseDuration("30 min")), "write 30m");
    for (const text of ["0m", "1h30m", "-1m", "30", ""]) assert.match(refusedFor(parseDuration(text)), /30m/);
  });
});

describe("addresses", () => {
  it("of IPv4 go to numbers and back", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        assert.equal(numberToIpv4(ipv4ToNumber(accepted(parseIpv4(text)))), text);
      }),
    );
    assert.equal(ipv4ToNumber(accepted(parseIpv4("255.255.255.255"))), 2 ** 32 - 1);
  });

  it("of IPv4 have no leading zeros and nothing above 255", () => {
    assert.match(refusedFor(parseIpv4("10.020.0.1")), /10\.20\.0\.1/);
    assert.match(refusedFor(parseIpv4("10.20.0.256")), /255/);
    for (const text of ["10.20.0", "10.20.0.1.1", "::1", "10.20.0.1/24", " 10.20.0.1", "a.b.c.d", ""])
      refusedFor(parseIpv4(text));
  });

  it("of networks are their first", () => {
    const { first, last } = accepted(parseCidr("10.20.0.0/23"));
    assert.deepEqual([first, last].map(numberToIpv4), ["10.20.0.0", "10.20.1.255"]);
    assert.match(refusedFor(parseCidr("10.20.1.0/23")), /10\.20\.0\.0\/23/);
    for (const text of ["10.20.0.0", "10.0.0.0/4", "10.20.0.0/30", "224.0.0.0/8", "169.254.0.0/16"])
      refusedFor(parseCidr(text));
  });

  it("of ranges are counted from first to last", () => {
    const range = accepted(parseRange("10.20.0.250-10.20.1.5"));
    assert.equal(range.last - range.first + 1, 12);
    assert.equal(printRange(range), "10.20.0.250-10.20.1.5");
    assert.equal(printRange(accepted(parseRange("10.20.0.7"))), "10.20.0.7");
    for (const text of ["10.20.0.1-9", "10.0.0.1-10.9.0.1", "10.20.0.1-10.20.0.2-10.20.0.3", "-"])
      refusedFor(parseRange(text));
  });

  it("of Ethernet are lower-case with colons, and of one machine", () => {
    assert.equal(accepted(parseMac("DC-A6-32-00-00-01")), "dc:a6:32:00:00:01");
    assert.match(refusedFor(parseMac("dca632000001")), /"dc:a6:32:00:00:01"/);
    for (const text of ["01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "dc:a6:32:00:00", ""])
      refusedFor(parseMac(text));
  });
});

describe("SSH public keys", () => {
  // Made by ssh-keygen for this test; the private halves are gone.
  const others = {
    ecdsa:
      "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAbJhDi5AsI1CRi7VgEo4gJnbmDqKzHwVRtsRF3fTm6D+F95n/ATJ29WMV1yu6tDT2pq5PaTlJ5d6fqWgYYT88Q=",
    rsa: "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCPaxnv7okb4lo21Dfin6tzTrsEIrtCEXTkWbz0fDUAmyafMzw9IRrRkrzoY3gInutHDVT9caUB1kNyolhUJlQ5+ibNo5/S3BGCogFVlGaM6a4x35QWrgPWKExW6XiGJiIOO0lL3U6bNPExg+ahzL3swhZxMQUJyMltSrTQWT7MKYh1ezO1EtK12vSPaAkN5TauXqhUyhcO3WGTqkNm9MKE6PZ6UGpOCmGTi0YP46CJP+lTShxqKmfTG/wd1qKDEBrUcnhkyobTVmkEXALTDXgV5GpwnAfV7lTeGSaToWMNYnMP2EfKiqG5HBY+yKmzH/OST53hP/8x5GpTe5efhdnv",
    shortRsa:
      "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDBMujV3+T7YqHh0SZ1t34FBGkmdbIRE9xlAR33CqyyteVqDmXMCdZYy36NKzitVB595OQRrWw/vk+fFaGcIEBRgT8W1QzTo1KaI2SLhfFx9urm9P/asNRh8q3DkY7scTX43tCGdXOLa6xo9t0n1Qf3wes0cU3K6LHDeKnahc+lMw==",
  };

  it("of all types that OpenSSH takes open a login, without their comment", () => {
    assert.equal(accepted(parseUserKey(` ${ed25519Key()}  alice@desk of hers\n`)), ed25519Key());
    assert.equal(accepted(parseUserKey(others.ecdsa)), others.ecdsa);
    assert.equal(accepted(parseUserKey(others.rsa)), others.rsa);
  });

  it("of RSA have 2048 bits at least", () => {
    const parsed = parseUserKey(others.shortRsa);
    assert.match("message" in parsed ? parsed.message : "", /1024 bits/);
  });

  it("of hosts are Ed25519", () => {
    assert.equal(accepted(parseHostKey(ed25519Key())), ed25519Key());
    assert.match(refusedFor(parseHostKey(others.rsa)), /host-key/);
  });

  it("are refused when any byte of them is missing", () => {
    const [type = "", blob = ""] = ed25519Key().split(" ");
    const bytes = Buffer.from(blob, "base64");
    for (let length = 0; length < bytes.length; length++) {
      refusedFor(parseUserKey(`${type} ${bytes.subarray(0, length).toString("base64")}`));
    }
    for (const text of [
      "",
      "ssh-ed25519",
      `${type}  `,
      `${type} ${blob}=`,
      `${type} ${blob}\n${type} ${blob}`,
      "ssh-dss AAAA",
    ])
      refusedFor(parseUserKey(text));
  });
});

describe("names near to one another", () => {
  it("are found for a mistyped one, and none for a strange one", () => {
    const known = ["memory", "model", "mac", "address", "hosts"];
    assert.deepEqual(
      ["memry", "Memory", "adress", "host", "xyz", "m", "x".repeat(500)].map((name) => nearest(name, known)),
      ["memory", "memory", "address", "hosts", undefined, undefined, undefined],
    );
  });

  it("are sorted as people count", () => {
    assert.deepEqual(["n10", "n2", "n1", "m", "n", "n2b"].sort(naturalOrder), ["m", "n", "n1", "n2", "n2b", "n10"]);
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9-]{0,6}$/), fc.stringMatching(/^[a-z0-9-]{0,6}$/), (a, b) => {
        assert.equal(Math.sign(naturalOrder(a, b)), -Math.sign(naturalOrder(b, a)) + 0);
      }),
    );
  });
});

describe("values in messages", () => {
  it("are cut, quoted, and cannot play tricks on a terminal", () => {
    assert.equal(show('\u001b[31m\u202E\u{1F353}"\n'), '"\\u{1b}[31m\\u{202e}\\u{1f353}\\"\\n"');
    assert.equal(show("x".repeat(300)), `"${"x".repeat(60)}…"`);
    const anyText = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
    fc.assert(fc.property(anyText, (text) => assert.match(show(text), /^"[ -~]*…?"$/)));
  });
});
