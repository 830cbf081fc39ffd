import fc from "fast-check";
import { type Document, type Edit, maybe, nextKey, oneKey, some } from "./histories.ts";

type BoardInput = Document["boards"][string];
type BootInput = NonNullable<Document["boot"]>;
type BootloaderInput = NonNullable<BootInput["bootloader"]>;
type ImageInput = NonNullable<BootInput["image"]>;

const orders: readonly NonNullable<BootloaderInput["order"]>[] = [
  ["network"],
  ["network", "sd"],
  ["sd", "network", "stop"],
  ["nvme", "network"],
];
const bootloader = fc.record({
  order: maybe(fc.constantFrom(...orders)),
  prefix: maybe(fc.constantFrom("mac" as const, "serial" as const, "name" as const)),
  retries: maybe(fc.nat(5)),
  hdmi: maybe(fc.boolean()),
  watchdog: maybe(fc.constantFrom("60s", "2m")),
  wakeOnGpio: maybe(fc.boolean()),
});

const image: fc.Arbitrary<ImageInput> = fc.record({
  packages: some("htop"),
  files: fc
    .array(fc.tuple(fc.constantFrom("/etc/motd", "/etc/issue"), fc.constantFrom("Hi\n", "a\nb\n", "")))
    .map((files) => Object.fromEntries(files.map(([path, text]) => [path, { text }]))),
  modules: some("wireguard", "loop"),
});

const lines = {
  settings: maybe(some("arm_boost=1", "gpu_mem=16")),
  overlays: maybe(some("disable-wifi")),
  parameters: maybe(some("loglevel=7", "quiet")),
};

/** What a boot section says beside who serves it, and where. */
export const boot = fc.record({
  ...lines,
  bootloader: maybe(bootloader),
  keep: fc.integer({ min: 1, max: 4 }),
  httpPort: fc.constantFrom(8080, 8088),
  image: maybe(image),
  roles: maybe(fc.record({ hypervisor: image })),
});

/** What a board that boots over the network says, but for its addresses. */
export const board = fc.record({
  ...lines,
  model: fc.constantFrom("pi4b" as const, "pi5" as const),
  memory: fc.constantFrom("4GiB", "8GiB"),
  role: fc.constantFrom("hypervisor" as const, "worker" as const),
  serial: fc.nat(0xffff).map((number) => `10000000aaaa${number.toString(16).padStart(4, "0")}`),
  bootloader: maybe(bootloader),
  image: maybe(image),
});

export const network = fc.record({
  ntp: some("10.20.0.1", "pool.ntp.org"),
});

/** Boards have places, from which they have their addresses. */
export const places = fc.integer({ min: 1, max: 5 });

export function at(place: number, board: Omit<BoardInput, "address" | "mac">): BoardInput {
  return { ...board, address: `10.20.0.${10 + place}`, mac: `dc:a6:32:00:00:0${place}` };
}

/** A site whose boards boot from folders of this machine, which somebody else serves; it has nothing else. */
export function boardSites(roots: string): fc.Arbitrary<Document> {
  const tower = { model: "pc", role: "boot-server", memory: "4GiB", connect: "local", address: "10.20.0.5" } as const;
  const boards = fc.uniqueArray(fc.tuple(places, board), { selector: ([place]) => place, minLength: 1, maxLength: 3 });
  return fc.tuple(boards, boot, network).map(([boards, boot, network]) => ({
    network: { cidr: "10.20.0.0/24", gateway: "10.20.0.1", ...network },
    boot: { server: "tower", manage: false, tftp: `${roots}/tftp`, http: `${roots}/http`, ...boot },
    boards: { tower, ...Object.fromEntries(boards.map(([place, board]) => [`pi${place}`, at(place, board)])) },
    limits: { moves: 100, boards: 100 },
  }));
}

/** What happens to boards, and to what they boot. */
export function boardEdits(): fc.Arbitrary<Edit> {
  const which = fc.nat();
  return fc.oneof(
    fc.tuple(places, board).map(([place, board]) => ({
      what: "a board that is new in its place",
      apply: (site: Document) => ({ ...site, boards: { ...site.boards, [`pi${place}`]: at(place, board) } }),
    })),
    which.map((which) => onBoard("a board less", which, () => [])),
    which.map((which) => onBoard("a board with another name", which, (name, board) => [[`${name}b`, board]])),
    fc.constant({ what: "two boards with each other's names", apply: withNamesExchanged }),
    {
      weight: 3,
      arbitrary: fc
        .tuple(which, oneKey(board))
        .map(([which, { key, patch }]) =>
          onBoard(`another ${key} of a board`, which, (name, board) => [[name, { ...board, ...patch }]]),
        ),
    },
    oneKey(boot).map(({ key, patch }) => onBoot(`another boot.${key}`, (boot) => ({ ...boot, ...patch }))),
    fc
      .constantFrom("tftp" as const, "http" as const)
      .map((root) => onBoot(`another boot.${root}`, (boot) => ({ ...boot, [root]: `${boot[root]}2` }))),
    oneKey(network).map(({ key, patch }) => ({
      what: `another network.${key}`,
      apply: (site: Document) => ({ ...site, network: { ...site.network, ...patch } }),
    })),
    nextKey("sshCa", "sshHostKey", "deployKey"),
  );
}

function onBoot(what: string, change: (boot: BootInput) => BootInput): Edit {
  return { what, apply: (site) => (site.boot === undefined ? site : { ...site, boot: change(site.boot) }) };
}

function withNamesExchanged(site: Document): Document {
  const [[one, first] = [], [other, second] = []] = Object.entries(site.boards).filter(
    ([, { model }]) => model !== "pc",
  );
  if (one === undefined || other === undefined || first === undefined || second === undefined) return site;
  return { ...site, boards: { ...site.boards, [one]: second, [other]: first } };
}

/** Something becomes of one of the boards that boot over the network. */
function onBoard(
  what: string,
  which: number,
  becomes: (name: string, board: BoardInput) => (readonly [string, BoardInput])[],
): Edit {
  return {
    what,
    apply: ({ boards, ...site }) => {
      const all = Object.entries(boards);
      const pis = all.filter(([, { model }]) => model !== "pc");
      const chosen = pis[which % pis.length]?.[0];
      const changed = all.flatMap(([name, board]) =>
        name === chosen ? becomes(name, board) : [[name, board] as const],
      );
      return { ...site, boards: Object.fromEntries(changed) };
    },
  };
}
