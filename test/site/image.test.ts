import assert from "node:assert/strict";
import { placesOf, problemsOf, siteOf } from "./shelf.ts";

const site = (boot: string, ofPi1 = "", ofPi2 = "") => `site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boot: { server: tower${boot} }
boards:
  tower: { model: pc, role: boot-server, memory: 8GiB, connect: local, address: 10.20.0.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11${ofPi1} }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12, role: worker${ofPi2} }
`;

const layersOf = (text: string) =>
  Object.fromEntries(siteOf(text).boot?.boards.map(({ name, layers }) => [name, layers.map(({ at }) => at)]) ?? []);

describe("what boards have in their system", () => {
  it("is said for all boards, for those of a role, and for one, and comes in this order", () => {
    const text = site(
      ", image: { packages: [htop] }, roles: { hypervisor: { modules: [wireguard] } }",
      ', image: { sysctls: { vm.swappiness: "10" } }',
    );
    assert.deepEqual(layersOf(text), {
      pi1: ["boot.image", "boot.roles.hypervisor", "boards.pi1.image"],
      pi2: ["boot.image"],
    });
  });

  it("is nothing beyond what the role needs where the site says nothing", () => {
    assert.deepEqual(layersOf(site("")), { pi1: [], pi2: [] });
  });

  it("has files with a mode in octal digits, and root as their owner", () => {
    const text = site("", ', image: { files: { /etc/local.d/hello.start: { text: "#!/bin/sh\\n", mode: "0755" } } }');
    const files = siteOf(text).boot?.boards[0]?.layers[0]?.files;
    assert.deepEqual(files, { "/etc/local.d/hello.start": { text: "#!/bin/sh\n", mode: 0o755, uid: 0, gid: 0 } });
  });

  for (const [what, image, expected] of [
    ["a package with a space in its name", 'packages: ["ht op"]', 'bad-package at 6: "ht op"'],
    ["a package that is a command", 'packages: ["$(reboot)"]', 'bad-package at 6: "$(reboot)"'],
    ["a service with a path", "services: { default: [../sshd] }", "bad-service at 6: ../sshd"],
    ["a runlevel that OpenRC has not", "services: { multi-user: [sshd] }", "unknown-key at 6: multi-user:"],
    ["a file that leaves its folder", "files: { /etc/../root/x: { text: x } }", "bad-path at 6: /etc/../root/x:"],
    ["a file without a full path", "files: { motd: { text: x } }", "bad-path at 6: motd:"],
    ["a mode in decimal digits", "files: { /etc/motd: { text: x, mode: 644 } }", "wrong-type at 6: 644"],
    ["a mode that is none", 'files: { /etc/motd: { text: x, mode: "rwx" } }', 'bad-mode at 6: "rwx"'],
    ["a kernel setting with a line break", 'sysctls: { vm.swappiness: "1\\n2" }', 'bad-sysctl at 6: "1\\n2"'],
    ["a module with a path", "modules: [../../evil]", "bad-module at 6: ../../evil"],
    ["a login that the system has for itself", "users: { me: { uid: 33 } }", "out-of-range at 6: 33"],
  ] as const) {
    it(`refuses ${what}, and says where it stands`, () => {
      assert.deepEqual(placesOf(site("", `, image: { ${image} }`)), [expected]);
    });
  }

  for (const service of ["sshd", "networking", "bramble-report"]) {
    it(`can't be without ${service}, for all, a role, or one board: nobody could ask such a board`, () => {
      const image = `image: { services: { default: ["!${service}"] } }`;
      const role = `roles: { worker: { services: { boot: ["!${service}"] } } }`;
      assert.deepEqual(placesOf(site(`, ${image}, ${role}`, `, ${image}`)), [
        `needed-service at 3: "!${service}"`,
        `needed-service at 3: "!${service}"`,
        `needed-service at 6: "!${service}"`,
      ]);
    });
  }

  it("is asked for by name only where boards boot over the network", () => {
    const text = site("").replace("connect: local, address", "connect: local, image: { packages: [htop] }, address");
    assert.match(
      problemsOf(text)
        .map(({ message }) => message)
        .join(),
      /image says nothing about a pc/,
    );
  });
});

describe("a board's place for disks", () => {
  const lasting = (text: string) => siteOf(text).boot?.boards[0]?.lasting;

  it("is a folder of its own on a storage that is shared", () => {
    const text = `${site("", ", storage: shelf")}  nas: { model: pc, role: nfs-server, memory: 4GiB, address: 10.20.0.6, hostKey: "${hostKey}" }
storage: { shelf: { server: nas } }
`;
    assert.equal(lasting(text), "/var/lib/bramble/storage/shelf/hosts/pi1");
    assert.deepEqual(
      siteOf(text).hosts.map(({ name, shared, fromNetwork }) => [name, shared, fromNetwork]),
      [["pi1", "shelf", true]],
    );
  });

  it("is on its drive", () => {
    assert.equal(lasting(site("", ", drive: nvme-Samsung_970_EVO_S1-part1")), "/var/lib/bramble/drive/bramble");
  });

  it("is nowhere where the board has neither: it is no host then", () => {
    assert.equal(lasting(site("")), undefined);
    assert.deepEqual(siteOf(site("")).hosts, []);
  });

  for (const drive of ["sda1", "/dev/nvme0n1p1", "usb-a b", "usb-$(id)"]) {
    it(`can't be a drive called ${drive}`, () => {
      assert.deepEqual(
        problemsOf(site("", `, drive: "${drive}"`)).map(({ rule }) => rule),
        ["bad-drive"],
      );
    });
  }
});

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
