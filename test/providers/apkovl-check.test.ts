import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { overlayId } from "../../formats/apkovl.ts";
import { type ApkovlInputs, imageEntries, imageInputs } from "../../providers/apkovl/inputs.ts";
import { check, diff } from "../../providers/apkovl/provider.ts";
import { unknownValue } from "../../providers/tftp-tree/inputs.ts";
import { facts, hypervisor } from "../formats/alpine-samples.ts";
import { imageOf, outputsOf } from "./support/apkovl-image.ts";

describe("checking an image", () => {
  it("finds nothing wrong with a rendered system, and keeps 3 generations unless it is said", () => {
    const { keep: _, ...inputs } = imageOf();
    assert.deepEqual(check({}, inputs), { inputs: { ...inputs, keep: 3 }, failures: [] });
  });

  it("has all entries of the rendered system in its inputs, the text of each once", () => {
    const rendered = hypervisor();
    assert.deepEqual(imageEntries(imageInputs(rendered)), rendered.entries);
    const text = JSON.stringify(imageInputs(rendered));
    assert.equal(text.split("server 10.20.0.1 iburst").length, 2);
    assert.deepEqual(
      Object.entries(imageInputs(rendered).attributes).map((pair) => pair.join(" ")),
      [
        "etc/init.d/bramble-report 0755 0:0",
        "etc/init.d/bramble-seed 0755 0:0",
        "etc/shadow 0640 0:42",
        "etc/ssh/sshd_config.d/10-bramble.conf 0600 0:0",
        "home/virt/.ssh/authorized_keys 0600 1000:1000",
        "root/.ssh/authorized_keys 0600 0:0",
        "usr/local/bin/fan 0755 0:0",
      ],
    );
  });

  it("does not take entries for another image than they are", () => {
    const inputs = imageOf();
    for (const changed of [
      { ...inputs, files: { ...inputs.files, "etc/motd": "hello\n" } },
      { ...inputs, attributes: { ...inputs.attributes, "etc/group": "0600 0:0" } },
      { ...inputs, links: { ...inputs.links, "etc/runlevels/boot/swap": "/etc/init.d/swap" } },
      { ...inputs, released: "2026-11-06" },
      { ...inputs, image: "0".repeat(64) },
      { ...inputs, image: "" },
    ]) {
      const [failure, ...more] = check({}, changed).failures;
      assert.equal(failure?.property, "image");
      assert.match(
        failure?.reason ?? "",
        /^these entries are the image [0-9a-f]{64}, not ".*": give all that imageInputs returns$/,
      );
      assert.equal(more.length, 0);
    }
  });

  const wrong: readonly (readonly [string, Partial<ApkovlInputs>, string, RegExp])[] = [
    ["a profile that is no name", { profile: "../x" }, "profile", /"..\/x" is no name of a profile/],
    ["a profile with a space", { profile: "a b" }, "profile", /is no name of a profile/],
    ["a profile with a colon, at which a path would be cut", { profile: "a:b" }, "profile", /is no name of a profile/],
    ["a root that is no absolute path", { root: "srv/http" }, "root", /is no absolute path/],
    ["no generation to keep", { keep: 0 }, "keep", /give 1 or more/],
    ["a date that is none", { released: "yesterday" }, "released", /write it as 2026-11-05/],
  ];
  for (const [what, change, property, reason] of wrong) {
    it(`refuses ${what}`, () => {
      const { failures } = check({}, { ...imageOf(), ...change });
      const found = failures.find((failure) => failure.property === property);
      assert.match(found?.reason ?? "", reason);
    });
  }

  const added: readonly (readonly [string, Partial<Pick<ApkovlInputs, "files" | "attributes" | "links">>, RegExp])[] = [
    ["a path that leaves the root", { files: { "etc/../../x": "" } }, /has the part \. or \.\./],
    ["a path with a leading slash", { files: { "/etc/x": "" } }, /has an empty part/],
    ["a file at the top, where apk stops to read names", { files: { x: "" } }, /is outside of/],
    ["a link that is no service", { links: { "etc/x": "/etc/shadow" } }, /only services in \/etc\/runlevels are links/],
    ["a service that leads elsewhere", { links: { "etc/runlevels/boot/x": "/tmp/x" } }, /must be \/etc\/init\.d\/x/],
    ["a runlevel that is none", { links: { "etc/runlevels/x/y": "/etc/init.d/y" } }, /is in no runlevel/],
    ["a private key", { files: { "etc/x": "-----BEGIN OPENSSH PRIVATE KEY-----" } }, /holds a private key/],
    ["a password", { files: { "etc/shadow": "root:$6$abc$def:1::::::\n" } }, /another field than \* for root/],
    ["root without a password", { files: { "etc/shadow": "root:::0:::::\n" } }, /another field than \* for root/],
    ["attributes of nothing", { attributes: { "etc/nothing": "0600 0:0" } }, /attributes are given, and no file/],
    ["attributes that are none", { attributes: { "etc/group": "rw-r--r--" } }, /are no attributes/],
    ["a file that all may write to", { attributes: { "etc/group": "0666 0:0" } }, /every process could write to it/],
    ["an id in the files", { files: { "etc/bramble/image": "x" } }, /is made from the image's id/],
  ];
  for (const [what, { files, attributes, links }, reason] of added) {
    it(`refuses ${what}`, () => {
      const before = imageOf();
      const inputs = {
        ...before,
        files: { ...before.files, ...files },
        attributes: { ...before.attributes, ...attributes },
        links: { ...before.links, ...links },
      };
      const reasons = check({}, { ...inputs, image: overlayId(imageEntries(inputs), facts.released) }).failures;
      assert.ok(
        reasons.some((failure) => reason.test(failure.reason)),
        JSON.stringify(reasons),
      );
    });
  }

  it("lets a preview pass that does not know the server's address yet", () => {
    const inputs = { ...imageOf(), server: { connect: "ssh", address: unknownValue } as never };
    assert.deepEqual(check({}, inputs).failures, []);
  });
});

describe("the difference of two images", () => {
  it("is none for the same inputs in another order", () => {
    const inputs = imageOf();
    const turned = { ...inputs, files: Object.fromEntries(Object.entries(inputs.files).reverse()) };
    assert.deepEqual(diff("", outputsOf(inputs), turned), { changes: false, replaces: [], deleteBeforeReplace: false });
  });

  it("shows a preview the one rendered file that is another, as text", () => {
    const [before, after] = [
      imageOf(),
      imageOf(["role hypervisor", { sysctls: { "vm.swappiness": "10", "kernel.panic": "10" } }]),
    ];
    const texts = (inputs: ApkovlInputs) => new Map(Object.entries(inputs.files));
    const changed = [...texts(after)].filter(([path, text]) => texts(before).get(path) !== text).map(([path]) => path);
    assert.deepEqual(changed, ["etc/bramble/layers", "etc/sysctl.d/bramble.conf"]);
    assert.match(after.files["etc/sysctl.d/bramble.conf"] ?? "", /^vm\.swappiness = 10$/m);
    assert.deepEqual([after.attributes, after.links], [before.attributes, before.links]);
    assert.deepEqual(diff("", outputsOf(before), after), { changes: true, replaces: [], deleteBeforeReplace: false });
  });

  it("is a replacement, new before old, for another root, server or profile, and none for another address of the server", () => {
    const ssh = (name: string, address: string) =>
      ({ connect: "ssh", name, address, port: 22, user: "root", hostKey: "x" }) as const;
    const inputs = { ...imageOf(), server: ssh("nas", "10.20.0.2") };
    const outs = outputsOf(inputs);
    const replaces = (change: Partial<ApkovlInputs>) => diff("", outs, { ...inputs, ...change });
    assert.deepEqual(replaces({ root: "/srv/other" }), {
      changes: true,
      replaces: ["root"],
      deleteBeforeReplace: false,
    });
    assert.deepEqual(replaces({ profile: "worker-aarch64" }).replaces, ["profile"]);
    assert.deepEqual(replaces({ server: ssh("pi9", "10.20.0.2") }).replaces, ["server"]);
    assert.deepEqual(replaces({ server: ssh("nas", "10.20.0.3") }), {
      changes: true,
      replaces: [],
      deleteBeforeReplace: false,
    });
  });

  it("is one where a refresh found something else on the server", () => {
    const inputs = imageOf();
    assert.ok(diff("", { ...outputsOf(inputs), drift: ["x: changed"] }, inputs).changes);
  });
});

describe("the engine", () => {
  it("finds the provider by the name that is in every state", () => {
    const provider = createRequire(import.meta.url)("@bramble/providers/apkovl/provider");
    for (const name of ["check", "diff", "create", "update", "read", "delete"]) {
      assert.equal(typeof provider[name], "function", name);
    }
  });
});
