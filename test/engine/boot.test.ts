import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { lstat, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eepromFile, readEepromImage } from "../../formats/eeprom-image.ts";
import { parseEepromSignature } from "../../formats/eeprom-signature.ts";
import { run as command } from "../../tools/lib/run.ts";
import { boardPackages, pinBootArtifacts, systemFiles } from "./boot-artifacts.ts";
import { homeStack } from "./home-stack.ts";
import { startTrial, type Trial } from "./trial.ts";

/** Two boards, published into folders of this machine; nobody serves them here. The address is one that nobody has. */
const site = (roots: string) => `network: { cidr: 198.51.100.0/24, gateway: 198.51.100.1 }
boot:
  server: tower
  manage: false
  tftp: ${roots}/tftp
  http: ${roots}/http
  bootloader: { order: [network, sd] }
boards:
  tower: { model: pc, role: boot-server, memory: 4GiB, connect: local, address: 198.51.100.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "7a1c0b2f9ffefd01", mac: "2c:cf:67:00:00:01", address: 198.51.100.11 }
  pi2: { model: pi4b, memory: 4GiB, serial: "100000009ffefd02", mac: "dc:a6:32:00:00:02", address: 198.51.100.12 }
`;

/** Real runs of the real engine: the custom providers' resources from the first preview to the end. */
describe("boards' boot folders, by the real engine", () => {
  let trial: Trial;
  const root = (path = "") => join(trial.folder, "srv/tftp", path);
  const text = (path: string) => readFile(root(path), "utf8");
  const { run, up, preview, edit } = homeStack(() => trial);
  const signature = async (board: string) => {
    const { sha256, timestamp = 0 } = parseEepromSignature(await text(`${board}/pieeprom.sig`));
    return { sha256, timestamp };
  };
  const bootconf = async (board: string) =>
    Buffer.from(
      eepromFile(readEepromImage(await readFile(root(`${board}/pieeprom.upd`))), "bootconf.txt") ?? [],
    ).toString();

  before(async () => {
    trial = await startTrial();
    await pinBootArtifacts(trial, systemFiles(), [...boardPackages(), { name: "htop" }]);
    await trial.makeStack("home", site(join(trial.folder, "srv")));
  });
  after(() => trial?.remove());

  it("are previewed without a server, published by `up`, and then as they should be", async () => {
    match(await preview(), /\+ 14 to create/);
    await rejects(lstat(root()));
    const said = await up();
    match(said, /0 of 2 boards run what is published\..*\n +pi1 +is off, or still booting.*\n +pi2 +is off/);
    match(await preview("--expect-no-changes"), /14 unchanged/);
    match(await up(), /14 unchanged/);

    const names = ["2c-cf-67-00-00-01", "9ffefd01", "9ffefd02", "dc-a6-32-00-00-02", "pi1", "pi2"];
    deepEqual((await readdir(root())).filter((name) => !name.startsWith(".")).sort(), names);
    const prefix = /^os_prefix=(.*)\/$/m.exec(await text("9ffefd02/config.txt"))?.[1] ?? "";
    match(await text(`9ffefd02/${prefix}/cmdline.txt`), new RegExp(` bramble.generation=${prefix}\n$`));
    equal((await readFile(root("pi2/start4.elf"))).length, 90_000);
    match(await bootconf("pi2"), /^BOOT_ORDER=0xf12$/m);
  });

  it("are known to people by one line for known_hosts, of the authority that they trust themselves", async () => {
    const { code, said } = await run("ssh-ca");
    equal(code, 0, said);
    const [, ca] = /^@cert-authority pi1,198\.51\.100\.11,pi2,198\.51\.100\.12 (ssh-ed25519 \S+)\n$/.exec(said) ?? [];
    const prefix = /^os_prefix=(.*)\/$/m.exec(await text("pi1/config.txt"))?.[1] ?? "";
    const [, image = ""] =
      /apkovl=http:\/\/198\.51\.100\.5:8080\/(\S+)/.exec(await text(`pi1/${prefix}/cmdline.txt`)) ?? [];
    const trusted = await command(["tar", "-xzOf", root(`../http/${image}`), "etc/ssh/bramble-user-ca.pub"]);
    equal(trusted.stdout, `${ca}\n`);
  });

  it("keep what both have in common once", async () => {
    const hashes = (await readdir(root(".bramble/store"), { recursive: true })).filter((path) =>
      /[0-9a-f]{64}$/.test(path),
    );
    equal(new Set(hashes).size, hashes.length);
    const inode = async (path: string) => (await stat(root(path))).ino;
    const kernel = async (board: string) => {
      const prefix = /^os_prefix=(.*)$/m.exec(await text(`${board}/config.txt`))?.[1];
      return await inode(`${board}/${prefix}vmlinuz`);
    };
    equal(await kernel("pi1"), await kernel("pi2"));
  });

  it("show in a preview the line that changes, and leave the version before to boards that are booting", async () => {
    const before = /^os_prefix=(.*)\/$/m.exec(await text("pi2/config.txt"))?.[1] ?? "";
    await edit("address: 198.51.100.12 }", "address: 198.51.100.12, settings: [arm_boost=1] }");
    const said = await preview("--diff");
    match(said, /\+ *arm_boost=1/);
    match(said, /1 to update\n +13 unchanged|~ 1 to update/);
    match(await up(), /1 updated/);
    match(await text("dc-a6-32-00-00-02/config.txt"), /^arm_boost=1$/m);
    const after = /^os_prefix=(.*)\/$/m.exec(await text("pi2/config.txt"))?.[1];
    ok(after !== before);
    match(await text(`pi2/${before}/cmdline.txt`), new RegExp(before));
  });

  it("show settings of the bootloader by name, and give boards an update that is newer than the last", async () => {
    const before = await signature("pi1");
    await edit("bootloader: { order: [network, sd] }", "bootloader: { order: [network, sd], hdmi: false }");
    match(await preview("--diff"), /DISABLE_HDMI *: false => true/);
    await up();
    const after = await signature("pi1");
    ok(after.timestamp > before.timestamp && after.sha256 !== before.sha256);
    match(await bootconf("pi1"), /^DISABLE_HDMI=1$/m);
    match(await preview("--expect-no-changes"), /14 unchanged/);
  });

  it("refuse a setting that the bootloader doesn't take, and an older bootloader that nobody asked for", async () => {
    const lock = join(trial.folder, "stacks/artifacts.lock.json");
    const pinned = await readFile(lock, "utf8");
    await writeFile(lock, pinned.replaceAll('"2026-05-17"', '"2025-02-11"'));
    const { code, said } = await run("preview");
    equal(code, 1);
    match(
      said,
      /home {2}older-bootloader {2}pi1 and pi2 have the bootloader of 2026-05-17, and 2025-02-11 is older\n.*downgrade: "to 2025-02-11"/,
    );
    await edit("hdmi: false }", 'hdmi: false, downgrade: "to 2025-02-11" }');
    match(await preview(), /BootloaderConfig pi1 update .*~image/);
    await edit(', downgrade: "to 2025-02-11"', "");
    await writeFile(lock, pinned);
  });

  it("show the file of their system that changes, give boards its new address, and keep the version before", async () => {
    const images = async () =>
      (await readdir(root("../http/image-hypervisor-aarch64"))).filter((name) => name.length === 16);
    const before = await images();
    await edit("boot:\n", "boot:\n  image: { packages: [htop] }\n");
    const said = await preview("--diff");
    match(said, /\[?"?etc\/apk\/world"?\]?[\s\S]*\+ *htop/);
    match(said, /\+ *apkovl=|apkovl=\S*/);
    match(said, /3 to update|~ 3 to update/);
    await up();
    const after = await images();
    deepEqual(
      before.filter((image) => !after.includes(image)),
      [],
    );
    equal(after.length, before.length + 1);
    const prefix = /^os_prefix=(.*)\/$/m.exec(await text("pi1/config.txt"))?.[1] ?? "";
    const [, path = ""] =
      /apkovl=http:\/\/198\.51\.100\.5:8080\/(\S+)/.exec(await text(`pi1/${prefix}/cmdline.txt`)) ?? [];
    const list = (await command(["tar", "-tzf", root(`../http/${path}`)])).stdout;
    match(list, /^etc\/apk\/world$/m);
    match(await preview("--expect-no-changes"), /14 unchanged/);
  });

  it("are seen to be changed by hand, and put right by the next `up`; what is not ours stays", async () => {
    await rm(root("pi2/config.txt"));
    await writeFile(root("pi2/config.txt"), "kernel=mine\n");
    await writeFile(root("somebody-elses"), "x");
    const { said } = await run("preview", "--refresh", "--diff");
    match(said, /config\.txt: changed/);
    equal((await run("refresh", "--yes", "--skip-preview")).code, 0);
    await up();
    match(await text("pi2/config.txt"), /^arm_boost=1$/m);
    match(await preview("--refresh", "--expect-no-changes"), /14 unchanged/);
    equal(await text("somebody-elses"), "x");
  });

  it("are taken over as they are when the state was lost, bootloader updates with the time that they had", async () => {
    const before = [await signature("pi1"), await text("pi1/config.txt")];
    const version = await realpath(root("pi1"));
    const { code, stderr } = await trial.pulumi("stack", "rm", "home", "--force", "--yes", "--preserve-config");
    equal(code, 0, stderr);
    equal((await trial.pulumi("stack", "init", "home")).code, 0);
    match(await up(), /14 created/);
    deepEqual([await signature("pi1"), await text("pi1/config.txt")], before);
    equal((await realpath(root("pi1"))).split("/").length, version.split("/").length);
  });

  it("need no more than 8 KB of the state for each board: its bootloader, and its files with all their texts", async () => {
    const { stdout } = await trial.pulumi("stack", "export", "--stack", "home");
    const resources: { urn: string }[] = JSON.parse(stdout).deployment.resources;
    for (const board of ["pi1", "pi2"]) {
      const own = resources.filter(
        ({ urn }) => /bramble:(TftpTree|BootloaderConfig)::/.test(urn) && urn.endsWith(`::${board}`),
      );
      equal(own.length, 2);
      // Its folder has a longer name here than any that people use.
      const bytes = JSON.stringify(own).replaceAll(join(trial.folder, "srv"), "/srv/bramble").length;
      ok(bytes <= 8192, `${board}: ${bytes} bytes`);
    }
  });

  it("refuse a second site in the same folder, with both names", async () => {
    await trial.makeStack("other", site(join(trial.folder, "srv")));
    const { code, stdout } = await trial.bramble("up", "--stack", "other", "--yes", "--skip-preview");
    equal(code, 1);
    match(stdout, /belongs to the site home \([0-9a-f]{8}\), and this is the site other \([0-9a-f]{8}\)/);
    match(await preview("--refresh", "--expect-no-changes"), /14 unchanged/);
    equal((await trial.bramble("destroy", "--stack", "other", "--yes", "--skip-preview")).code, 0);
  });

  it("go without a trace, but for what others have put beside them", async () => {
    equal((await run("destroy", "--yes", "--skip-preview")).code, 0);
    deepEqual(await readdir(root()), ["somebody-elses"]);
    deepEqual(await readdir(join(trial.folder, "srv/http")), []);
  });
});
