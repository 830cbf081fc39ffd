import assert from "node:assert/strict";
import fc from "fast-check";
import { checkCmdline, type KernelParameter, parseCmdline, printCmdline } from "../../formats/cmdline-txt.ts";

describe("cmdline-txt", () => {
  it("prints one line", () => {
    const parameters: KernelParameter[] = [
      ["modules", "loop,squashfs"],
      "quiet",
      ["ip", "dhcp"],
      ["apkovl", "http://10.20.0.2:8080/pi1.apkovl.tar.gz"],
      ["ds", "nocloud;s=http://10.20.0.2:8080/pi1/"],
      ["console", "tty1"],
      ["console", "serial0,115200"],
    ];
    assert.equal(
      printCmdline(parameters),
      "modules=loop,squashfs quiet ip=dhcp apkovl=http://10.20.0.2:8080/pi1.apkovl.tar.gz ds=nocloud;s=http://10.20.0.2:8080/pi1/ console=tty1 console=serial0,115200\n",
    );
    assert.deepEqual(parseCmdline(printCmdline(parameters)), parameters);
  });

  it("reads what it prints", () => {
    const name = fc.stringMatching(/^[!#-<>-~]{1,20}$/);
    const value = fc.stringMatching(/^[!#-~]{0,20}$/);
    const parameter: fc.Arbitrary<KernelParameter> = fc.oneof(name, fc.tuple(name, value));
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 20 }), (parameters) => {
        assert.deepEqual(parseCmdline(printCmdline(parameters)), parameters);
      }),
    );
  });

  it("reads what a running kernel shows, with the firmware's own words before", () => {
    assert.deepEqual(parseCmdline("coherent_pool=1M  smsc95xx.macaddr=DC:A6:32:01:36:C2 quiet\n"), [
      ["coherent_pool", "1M"],
      ["smsc95xx.macaddr", "DC:A6:32:01:36:C2"],
      "quiet",
    ]);
    assert.deepEqual(parseCmdline("\n"), []);
  });

  it("refuses every parameter that would be read as something else, by name", () => {
    const bad: [KernelParameter, RegExp][] = [
      [["apkovl", "http://a\nroot=/dev/sda"], /"apkovl": its value has a line break/],
      [["apkovl", "http://a\r"], /"apkovl": its value has a line break/],
      [["ip", "dhcp init=/bin/sh"], /"ip": its value has a space or a quotation mark/],
      [["dyndbg", '"file x +p"'], /"dyndbg": its value has a space or a quotation mark/],
      [["name", "pí"], /"name": its value has a character that is not printable ASCII/],
      [["name", "a\tb"], /"name": its value has a character that is not printable ASCII/],
      ["quiet splash", /"quiet splash": its name has a space/],
      ["ip=dhcp", /"ip=dhcp": give name and value apart/],
      [["a=b", "c"], /"a=b": give name and value apart/],
      ["", /without a name/],
      [["", "x"], /without a name, with the value "x"/],
    ];
    for (const [parameter, complaint] of bad) {
      assert.throws(() => printCmdline(["quiet", parameter]), complaint, JSON.stringify(parameter));
    }
    assert.equal(checkCmdline(bad.map(([parameter]) => parameter)).length, bad.length);
  });

  it("refuses more than 1,023 bytes and names the longest parameter", () => {
    assert.equal(printCmdline([["a", "x".repeat(1021)]]).length, 1024); // with the line feed
    assert.throws(
      () => printCmdline(["quiet", ["apkovl", "x".repeat(1020)]]),
      /has 1033 bytes, and boards take 1023: shorten it; its longest parameter is apkovl with 1027/,
    );
  });
});
