import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chronyConf } from "../../formats/chrony-conf.ts";
import { domainXslt } from "../../formats/domain-xslt.ts";
import { exportsFile } from "../../formats/exports-file.ts";
import { hostsFile } from "../../formats/hosts-file.ts";

describe("hosts-file", () => {
  it("lists loopback and the entries, and never the own name as 127.0.1.1", () => {
    assert.equal(
      hostsFile([{ address: "10.20.0.101", names: ["physics-n1", "n1"] }]),
      "# Written by Bramble; changes are overwritten.\n127.0.0.1 localhost\n::1 localhost ip6-localhost\n10.20.0.101 physics-n1 n1\n",
    );
  });
});

describe("exports-file", () => {
  it("names every client and squashes its root", () => {
    assert.equal(
      exportsFile([{ path: "/srv/data/home", clients: ["10.20.0.101", "10.20.0.102"] }]).split("\n")[1],
      "/srv/data/home 10.20.0.101(rw,sync,no_subtree_check,root_squash) 10.20.0.102(rw,sync,no_subtree_check,root_squash)",
    );
  });
});

describe("chrony-conf", () => {
  it("makes a server that answers also when it reaches none itself", () => {
    const text = chronyConf({ servers: ["10.20.0.1"], allow: ["10.20.0.0/24"] });
    assert.match(text, /^server 10\.20\.0\.1 iburst$/m);
    assert.match(text, /^allow 10\.20\.0\.0\/24$/m);
    assert.match(text, /^local stratum 10$/m);
  });

  it("lets a client serve nobody", () => {
    const text = chronyConf({ servers: ["10.20.0.100"], allow: [] });
    assert.doesNotMatch(text, /allow|local/);
  });
});

describe("domain-xslt", () => {
  const domain = `<domain type="qemu"><name>lab-a</name><cpu mode="maximum"/><os firmware="efi"><type>hvm</type></os>
<features><acpi/><apic/></features><devices><disk device="disk"><target dev="vda"/></disk>
<disk device="disk"><target dev="vdb"/><serial>old</serial></disk><graphics type="spice"/><video/><channel/><console type="pty"/></devices></domain>`;
  const folder = mkdtempSync(join(tmpdir(), "xslt-"));
  after(() => rmSync(folder, { recursive: true }));
  const transformed = (arch: "x86_64" | "aarch64", emulated = false, memoryMiB = 448) => {
    const sheet = join(folder, `${arch}.xslt`);
    const names = { name: "lab-a", uuid: "7b6c", diskSerials: ["system", "seed"] };
    writeFileSync(sheet, domainXslt({ ...names, arch, emulated, memoryMiB }));
    return execFileSync("xsltproc", [sheet, "-"], { input: domain, encoding: "utf8" });
  };

  it("sets the UUID once and each disk's serial, and takes out screen and agent", () => {
    const xml = transformed("x86_64");
    assert.deepEqual(xml.match(/<uuid>.*?<\/uuid>/g), ["<uuid>7b6c</uuid>"]);
    assert.deepEqual(xml.match(/<serial>.*?<\/serial>/g), ["<serial>system</serial>", "<serial>seed</serial>"]);
    assert.doesNotMatch(xml, /graphics|video|channel/);
    assert.match(xml, /<acpi\/>/);
  });

  it("keeps what the guest says on its console", () => {
    assert.match(
      transformed("x86_64"),
      /<console type="pty"><log file="\/var\/log\/libvirt\/qemu\/lab-a-console.log"\/>/,
    );
  });

  it("takes from an emulated x86_64 processor what is emulated badly, and from no other", () => {
    const off = (name: string) => `<feature policy="disable" name="${name}"/>`;
    const cpu = `<cpu mode="maximum">${["cx16", "avx", "avx2", "la57"].map(off).join("")}</cpu>`;
    assert.ok(transformed("x86_64", true).includes(cpu));
    assert.doesNotMatch(transformed("x86_64"), /<feature /);
    assert.doesNotMatch(transformed("aarch64", true), /<feature /);
  });

  it("bounds the translated code of an emulated guest only, by its memory", () => {
    for (const [memory, cache] of [
      [448, 256],
      [1536, 768],
      [8192, 1024],
    ] as const)
      assert.match(
        transformed("aarch64", true, memory),
        new RegExp(`<tcg><tb-cache unit="MiB">${cache}</tb-cache></tcg></features>`),
      );
    assert.doesNotMatch(transformed("x86_64"), /tcg/);
  });

  it("takes UEFI and ACPI from an aarch64 guest, whose kernel is booted directly", () => {
    const xml = transformed("aarch64");
    assert.doesNotMatch(xml, /firmware|acpi/);
    assert.match(xml, /<apic\/>/);
  });
});
