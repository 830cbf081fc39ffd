import assert from "node:assert/strict";
import { parseApkIndex } from "../../formats/apk-index.ts";

const checksum = "Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=";
const chrony = `C:${checksum}
P:chrony
V:4.8-r1
A:aarch64
S:172345
I:421888
T:NTP client and server programs: größer
U:https://chrony-project.org
L:GPL-2.0-or-later
o:chrony
m:Somebody <somebody@example.org>
t:1767225600
c:66187892e05b03a41d08e9acabd19b7576a1c875
k:100
D:libcap so:libc.musl-aarch64.so.1
p:ntp-server cmd:chronyc=4.8-r1
i:openrc ntp=1
F:etc
`;

describe("apk-index", () => {
  it("reads a package with all that a search needs", () => {
    assert.deepEqual(parseApkIndex(chrony), [
      {
        name: "chrony",
        version: "4.8-r1",
        arch: "aarch64",
        size: 172_345,
        installedSize: 421_888,
        checksum,
        depends: ["libcap", "so:libc.musl-aarch64.so.1"],
        provides: ["ntp-server", "cmd:chronyc=4.8-r1"],
        installIf: ["openrc", "ntp=1"],
        priority: 100,
        origin: "chrony",
      },
    ]);
  });

  it("reads many, with or without an empty line at the end", () => {
    const other = chrony.replace("P:chrony", "P:chrony-doc");
    const names = (text: string) => parseApkIndex(text).map(({ name }) => name);
    assert.deepEqual(names(`${chrony}\n${other}`), ["chrony", "chrony-doc"]);
    assert.deepEqual(names(`${chrony}\n${other}\n\n`), ["chrony", "chrony-doc"]);
    assert.deepEqual(names(""), []);
  });

  it("says which line is none", () => {
    assert.throws(() => parseApkIndex(`${chrony}\n<html>\n`), /has in line 20 no field: <html>/);
    const without = (line: string) => chrony.replace(line, "x:y");
    assert.throws(() => parseApkIndex(without("V:4.8-r1")), /at line 1 a package without a proper V \(version\)/);
    assert.throws(() => parseApkIndex(without("S:172345")), /without a proper S \(size\)/);
    assert.throws(() => parseApkIndex(without(`C:${checksum}`)), /without a proper C \(checksum\)/);
  });

  it("refuses a name or version that leads to another file", () => {
    for (const name of ["../../etc/passwd", "a/b", ".hidden", "a b", ""])
      assert.throws(() => parseApkIndex(chrony.replace("P:chrony", `P:${name}`)), /P \(name\)/, name);
    assert.throws(() => parseApkIndex(chrony.replace("V:4.8-r1", "V:4/../8")), /V \(version\)/);
  });
});
