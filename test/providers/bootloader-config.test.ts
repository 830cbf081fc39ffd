import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BootConf, printBootConf } from "../../formats/bootconf.ts";
import { eepromFile, readEepromImage } from "../../formats/eeprom-image.ts";
import { printReadinessReport } from "../../formats/readiness-report.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import type { BootloaderInputs, BootloaderOutputs, UpdateState } from "../../providers/bootloader-config/inputs.ts";
import * as provider from "../../providers/bootloader-config/provider.ts";
import { makeUpdate } from "../../providers/bootloader-config/update.ts";
import { type TftpTreeInputs, type TftpTreeOutputs, unknownValue } from "../../providers/tftp-tree/inputs.ts";
import * as trees from "../../providers/tftp-tree/provider.ts";
import { keyFolder, writeKeyFiles } from "../../providers/transport/key-files.ts";
import { reportPath } from "../../providers/transport/report.ts";
import { type Sshd, startSshd } from "../doubles/sshd.ts";
import { ab2712, config2711, last2711, padded2711, type Sample, tight2711 } from "../formats/eeprom-samples.ts";

const hostKey = sshKeyPair(Buffer.alloc(32, 1));
const deployKey = sshKeyPair(Buffer.alloc(32, 2));
/** When every sample says that it was built. */
const built = 1_778_976_000;

/** The provider's own functions, on a folder of this machine and with a real sshd in the place of a board. */
describe("a board's bootloader", () => {
  let folder: string;
  let board: Sshd;
  const settings: BootConf = { BOOT_ORDER: ["network", "sd", "restart"], ENABLE_SELF_UPDATE: true };
  const root = () => join(folder, "tftp");
  const inputs = (change: Partial<BootloaderInputs> = {}): BootloaderInputs => ({
    model: "pi4b",
    serial: "100000009ffefd02",
    image: pinned(last2711),
    settings,
    board: { name: "pi2", address: "127.0.0.1", port: board.port, user: "root", hostKey: hostKey.publicKey },
    site: "home",
    served: { server: { connect: "local" }, root: root(), names: ["dc-a6-32-00-00-02", "9ffefd02"] },
    ...change,
  });
  /** What the board's boot folder is given of it. */
  const treeInputs = ({ model, image, settings }: BootloaderInputs, { state }: BootloaderOutputs): TftpTreeInputs => ({
    server: { connect: "local" },
    root: root(),
    owner: { site: "home", id: "0a1b2c3d" },
    tree: "pi2",
    names: ["dc-a6-32-00-00-02", "9ffefd02"],
    generation: "0123456789abcdef",
    files: { "config.txt": "[all]\n" },
    blobs: {},
    keep: 3,
    update: { model, image: image.sha256, config: printBootConf(settings), ...state },
  });
  const publish = async (inputs: BootloaderInputs, outs: BootloaderOutputs, before?: TftpTreeOutputs) => {
    const news = treeInputs(inputs, outs);
    return before === undefined ? (await trees.create(news)).outs : (await trees.update("", before, news)).outs;
  };
  const signature = async () => readFile(join(root(), "9ffefd02/pieeprom.sig"), "utf8");
  const publishedTime = async () => Number(/^ts: (\d+)$/m.exec(await signature())?.[1]);
  const now = () => Math.floor(Date.now() / 1000);
  const reports = async (bootloader: { updateTimestamp: number; settings: string; buildTimestamp?: number }) => {
    await mkdir(dirname(reportPath), { recursive: true });
    const text = printReadinessReport({
      board: "pi2",
      serial: "100000009ffefd02",
      generation: "0123456789abcdef",
      overlay: null,
      versions: { kernel: "6.12.1", os: "3.99.0" },
      bootloader: { buildTimestamp: built, ...bootloader },
      problems: [],
      bootId: "5e0ad0f4-66a1-4d63-8c35-0c5f3d1e8f11",
      writtenAt: "2026-11-25T12:00:00Z",
    });
    await writeFile(reportPath, text);
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "bramble-bootloader-"));
    process.env.BRAMBLE_WORK = folder;
    await mkdir(join(folder, "artifacts"));
    for (const { bytes } of [last2711, padded2711, tight2711, ab2712])
      await writeFile(join(folder, "artifacts", sha256(bytes)), bytes);
    await writeKeyFiles(keyFolder(folder, "home"), { deployKey: deployKey.privateKey, knownHosts: "", lost: {} });
    ok(!existsSync(reportPath), `${reportPath} is somebody's`);
    board = await startSshd(hostKey, deployKey.publicKey);
  });
  afterEach(async () => {
    await rm(reportPath, { force: true });
    await rm(root(), { recursive: true, force: true });
  });
  after(async () => {
    board?.stop();
    delete process.env.BRAMBLE_WORK;
    await rm(folder, { recursive: true, force: true });
  });

  it("gets an update with its settings in the pinned image, with the time when it is published", async () => {
    const from = now();
    const { outs } = await provider.create(inputs());
    await publish(inputs(), outs);
    const image = await readFile(join(root(), "9ffefd02/pieeprom.upd"));
    equal(Buffer.from(eepromFile(readEepromImage(image), "bootconf.txt") ?? []).toString(), printBootConf(settings));
    const time = await publishedTime();
    ok(time >= from && time <= now());
    equal(await signature(), `${sha256(image)}\nts: ${time}\ntarget-soc: 2711\n`);
  });

  it("keeps the time of what is published already, also after the state was lost", async () => {
    const { outs } = await provider.create(inputs());
    await publish(inputs(), outs);
    const old = (await signature()).replace(/ts: \d+/, "ts: 1790000000");
    await rm(join(root(), "9ffefd02/pieeprom.sig"));
    await writeFile(join(root(), "9ffefd02/pieeprom.sig"), old);
    await publish(inputs(), (await provider.create(inputs())).outs);
    equal(await signature(), old);
  });

  it("gets an update above what was published or reported, whatever this machine's clock says", async () => {
    const { outs } = await provider.create(inputs());
    const published = await publish(inputs(), outs);
    const future = now() + 100_000;
    const changed = inputs({ settings: { ...settings, BOOT_UART: true } });
    const { outs: more } = await provider.update("", outs, changed);
    equal((await publish(changed, more, { ...published, updateTime: future })).updateTime, future + 1);

    await reports({ updateTimestamp: future + 500, settings: config2711 });
    const again = inputs({ settings: { ...settings, BOOT_UART: false } });
    await publish(again, (await provider.create(again)).outs);
    equal(await publishedTime(), future + 501);
  });

  it("has no time among its inputs: the same wish is no difference tomorrow", async () => {
    const { outs } = await provider.create(inputs());
    equal(provider.diff("", outs, inputs()).changes, false);
    equal(provider.diff("", outs, inputs({ settings: { ...settings, BOOT_UART: true } })).changes, true);
    deepEqual(provider.diff("", outs, inputs({ serial: "100000009ffefd03" })).replaces, ["serial"]);
  });

  it("is no difference of the boot folder where only the way to the board changes, and a preview knows that", async () => {
    const { outs } = await provider.create(inputs());
    const published = await publish(inputs(), outs);
    await reports({ updateTimestamp: published.updateTime + 60, settings: config2711 });
    const wish = inputs({ board: { ...inputs().board, user: "admin" } });
    equal(provider.diff("", outs, wish).changes, true);
    const { outs: more } = await provider.update("", outs, wish);
    deepEqual(more.state, outs.state);
    equal(trees.diff("", published, treeInputs(wish, more)).changes, false);
    // What the engine puts in the place of what is only known when it is made.
    const unknown = { sha256: unknownValue, taken: unknownValue, confirmed: unknownValue } as unknown;
    const previewed = (wish: BootloaderInputs) => treeInputs(wish, { ...outs, state: unknown as UpdateState });
    const lingering = { ...published, lingering: ["of-before"] };
    for (const before of [published, lingering]) equal(trees.diff("", before, previewed(wish)).changes, false);
    const other = inputs({ settings: { ...settings, BOOT_UART: true } });
    equal(trees.diff("", published, previewed(other)).changes, true);
  });

  it("is confirmed when the board reports these settings, and is no difference before it took them", async () => {
    const { outs } = await provider.create(inputs());
    equal(outs.state.confirmed, false);
    const published = await publish(inputs(), outs);
    await reports({ updateTimestamp: published.updateTime - 5, settings: config2711 });
    const before = (await provider.read("home/pi2", outs)).props;
    equal(before.state.confirmed, false);
    equal(trees.diff("", published, treeInputs(inputs(), before)).changes, false);
    await reports({ updateTimestamp: published.updateTime, settings: printBootConf(settings) });
    const after = (await provider.read("home/pi2", outs)).props;
    equal(after.state.confirmed, true);
    equal(provider.diff("", after, inputs()).changes, false);
    equal(trees.diff("", published, treeInputs(inputs(), after)).changes, false);
  });

  it("is given its settings again when somebody has changed them on the board", async () => {
    const { outs } = await provider.create(inputs());
    const published = await publish(inputs(), outs);
    await reports({ updateTimestamp: published.updateTime + 60, settings: config2711 });
    const { props } = await provider.read("home/pi2", outs);
    equal(trees.diff("", published, treeInputs(inputs(), props)).changes, true);
    await publish(inputs(), props, published);
    equal(await publishedTime(), published.updateTime + 61);
  });

  it("counts as it was last seen while the board does not answer, and takes nobody else's word", async () => {
    const { outs } = await provider.create(inputs());
    await reports({ updateTimestamp: now(), settings: printBootConf(settings) });
    const { props } = await provider.read("home/pi2", outs);
    const stranger = { ...props.board, hostKey: sshKeyPair(Buffer.alloc(32, 3)).publicKey };
    await reports({ updateTimestamp: now() + 9, settings: config2711 });
    deepEqual((await provider.read("home/pi2", { ...props, board: stranger })).props.reported, props.reported);
    await writeFile(reportPath, "not a report\n");
    deepEqual((await provider.read("home/pi2", props)).props.reported, props.reported);
  });

  it("never goes back to an older version unless that is said in words", async () => {
    const older = inputs({ image: { ...pinned(last2711), version: "2025-01-01" } });
    const { failures } = provider.check(inputs(), older);
    match(failures[0]?.reason ?? "", /pi2 has the bootloader of 2026-05-17, and 2025-01-01 is older.*"to 2025-01-01"/);
    deepEqual(provider.check(inputs(), { ...older, downgrade: "to 2025-01-01" }).failures, []);
    equal(provider.check(inputs(), { ...older, downgrade: "to 2024-01-01" }).failures.length, 1);

    await publish(inputs(), (await provider.create(inputs())).outs);
    await reports({ updateTimestamp: 1, settings: config2711, buildTimestamp: built + 86_400 });
    await rejects(provider.create(inputs()), /pi2 runs a bootloader of 2026-05-18, .* of 2026-05-17, which is older/);
    await provider.create(inputs({ downgrade: "to 2026-05-17" }));
  });

  it("refuses settings by name, an image for another chip, one without room, and one that is not there or damaged", async () => {
    const wrong = { ...settings, TFTP_FILE_TIMEOUT: 10 } satisfies BootConf;
    equal(provider.check({}, inputs({ settings: wrong })).failures[0]?.property, "settings.TFTP_FILE_TIMEOUT");
    await rejects(provider.create(inputs({ image: pinned(ab2712) })), /2712/);
    const long = { image: pinned(tight2711).sha256, model: "pi4b", config: `[all]\n${"#\n".repeat(800)}` } as const;
    await rejects(makeUpdate(long), /bootconf\.txt.*1606 bytes.*1512/);
    const damaged = sha256(Buffer.from("whole"));
    await writeFile(join(folder, "artifacts", damaged), "not whole");
    await rejects(provider.create(inputs({ image: { sha256: damaged, version: "2026-05-17" } })), /damaged/);
    const absent = { sha256: "0".repeat(64), version: "2026-05-17" };
    await rejects(provider.create(inputs({ image: absent })), /npm run bramble -- artifacts fetch/);
    ok(!existsSync(root()), "nothing was published");
  });
});

function pinned({ bytes }: Sample): BootloaderInputs["image"] {
  return { sha256: sha256(bytes), version: "2026-05-17" };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
