import assert from "node:assert/strict";
import { mountsFile, storageMarker } from "../../formats/bramble-mounts.ts";
import { exportId, exportLine, exportsFile } from "../../formats/exports-file.ts";

describe("bramble-mounts", () => {
  it("has a line of words for each mount, and for the folder that lasts", () => {
    assert.equal(
      mountsFile([
        { kind: "ext4", drive: "usb-Samsung_T7_S5T-part1", folder: "/var/lib/bramble/drive" },
        {
          ...{ kind: "nfs4", address: "10.20.0.6", path: "/srv/bramble/storage" },
          ...{ folder: "/var/lib/bramble/storage/shelf", marker: storageMarker("0123abcd", "shelf") },
        },
        { kind: "lasting", folder: "/var/lib/bramble/storage/shelf/hosts/pi1" },
      ]),
      `ext4 /dev/disk/by-id/usb-Samsung_T7_S5T-part1 /var/lib/bramble/drive noatime -
nfs4 10.20.0.6:/srv/bramble/storage /var/lib/bramble/storage/shelf rw,hard,vers=4.2,proto=tcp,noatime,nosuid,nodev,noexec 0123abcd-shelf
lasting /var/lib/bramble/storage/shelf/hosts/pi1
`,
    );
  });

  it("is empty for a host that mounts nothing", () => assert.equal(mountsFile([]), ""));

  it("refuses what would be two words, or none", () => {
    for (const folder of ["/srv/my disk", "", "/srv/ä"])
      assert.throws(() => mountsFile([{ kind: "lasting", folder }]), /one word of printable ASCII/);
  });
});

describe("exports-file, for the disks of VMs", () => {
  const store = { path: "/srv/bramble/storage", clients: ["10.20.0.11"], store: "0123abcd-shelf" };

  it("names each host, leaves its root root, and says by which id the folder is known", () => {
    assert.equal(
      exportLine(store),
      `/srv/bramble/storage 10.20.0.11(rw,sync,no_subtree_check,no_root_squash,sec=sys,fsid=${exportId("0123abcd-shelf")})`,
    );
    assert.match(exportId("0123abcd-shelf"), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.notEqual(exportId("0123abcd-shelf"), exportId("0123abcd-other"));
  });

  it("offers it only while the disk is mounted", () => {
    assert.match(exportLine({ ...store, mountpoint: "/srv/bramble" }), /,mountpoint=\/srv\/bramble\)$/);
  });

  it("is one line for each folder, after a line that says who wrote it", () => {
    assert.deepEqual(exportsFile([store]).split("\n"), [
      "# Written by Bramble; changes are overwritten.",
      exportLine(store),
      "",
    ]);
  });
});
