import assert from "node:assert/strict";
import fc from "fast-check";
import { vmMac, vmUuid } from "../../site/identity.ts";
import { siteId, siteKeys } from "../../site/keys.ts";
import type { Epochs, KeyPurpose } from "../../site/model.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

describe("the identity of a VM", () => {
  it("is pinned: a change here would replace every VM there is", () => {
    assert.equal(vmMac("home", "physics-n1"), "52:54:36:7f:fa:e1");
    // python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("6f1c3b0e-5b0a-4f0c-9a43-2c8e7d1f9b52"), "home/physics-n1"))'
    assert.equal(vmUuid("home", "physics-n1"), "c1ac0485-aff0-5b77-a618-c295d4a20261");
  });

  it("is another in another site and for another VM", () => {
    assert.equal(new Set([vmMac("home", "a-n1"), vmMac("lab", "a-n1"), vmMac("home", "a-n2")]).size, 3);
    assert.equal(new Set([vmUuid("home", "a-n1"), vmUuid("lab", "a-n1"), vmUuid("home", "a-n2")]).size, 3);
  });

  it("has a MAC address of the locally administered range, of one machine", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        assert.match(vmMac("home", name), /^52:54(:[0-9a-f]{2}){4}$/);
      }),
    );
  });
});

describe("the keys of a site", () => {
  const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
  const first: Epochs = { sshCa: 1, sshHostKey: 1, deployKey: 1, mungeKey: 1, k3sCa: 1, k3sToken: 1 };
  const keys = siteKeys(secret, "home", first);

  it("are pinned: openssl kdf gives the same", () => {
    // openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:000102…1f -kdfopt salt:bramble/v1 \
    //   -kdfopt info:sshHostKey/physics-n1#1 HKDF
    assert.equal(
      hex(keys.sshHostKey("physics-n1")),
      "6d9f0395079a1c0691efecb1b038c759ed2cf8f8639015d676c82adf2d32133f",
    );
    assert.equal(hex(keys.sshCa()), "a52bccd292a22d57e3286b552a789f53422b3ed37d59257102fd17891d95ce07");
    assert.equal(hex(keys.mungeKey("physics")), "6ce40a7de37f1c08571acb01bac24893f8255335d466bb2ec297c4e223eb9c62");
    assert.equal(siteId(secret), "e2986f30");
  });

  it("change with the epoch of their purpose, and no others do", () => {
    const rotated = siteKeys(secret, "home", { ...first, mungeKey: 2 });
    assert.notDeepEqual(rotated.mungeKey("physics"), keys.mungeKey("physics"));
    assert.deepEqual(rotated.sshCa(), keys.sshCa());
  });

  it("are different for each purpose, subject and epoch", () => {
    const purpose = fc.constantFrom<KeyPurpose>("sshCa", "sshHostKey", "deployKey", "mungeKey", "k3sCa", "k3sToken");
    const label = fc.tuple(purpose, fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/), fc.integer({ min: 1, max: 99 }));
    const derive = ([purpose, subject, epoch]: [KeyPurpose, string, number]) =>
      hex(siteKeys(secret, "home", { ...first, [purpose]: epoch }).derive(purpose, subject));
    fc.assert(
      fc.property(label, label, (one, other) => {
        assert.equal(derive(one) === derive(other), JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it("of a k3s cluster are others for each authority and joiner, and for no other label", () => {
    const all = [
      keys.k3sCa("web", "server"),
      keys.k3sCa("web", "client"),
      keys.k3sCa("web-server", "server"),
      keys.k3sToken("web", "server"),
      keys.k3sToken("web", "agent"),
      keys.derive("k3sCa", "web"),
      keys.derive("k3sToken", "web-server"),
    ];
    assert.equal(new Set(all.map(hex)).size, all.length);
    const rotated = siteKeys(secret, "home", { ...first, k3sToken: 2 });
    assert.notDeepEqual(rotated.k3sToken("web", "agent"), keys.k3sToken("web", "agent"));
    assert.deepEqual(rotated.k3sCa("web", "server"), keys.k3sCa("web", "server"));
  });

  it("are not made for a subject that could look like another label", () => {
    for (const subject of ["", "a#1", "a/b", "../a", "A", "a b", "a".repeat(64)]) {
      assert.throws(() => keys.sshHostKey(subject), /not a name/);
    }
  });

  it("are not made from a secret of the wrong length, which is not repeated", () => {
    assert.throws(() => siteKeys(secret.subarray(0, 31), "home", first).sshCa(), /31 bytes and not 32/);
    assert.throws(() => siteId(new Uint8Array()), /0 bytes/);
  });
});
