/** A stretch of network that datagrams of both directions go through. */
export interface Channel {
  /** Hands the datagram on: at once, later, twice or never. */
  pass(datagram: Buffer, deliver: (datagram: Buffer) => void): void;
}

/** Shares of all datagrams, 0 to 1. */
export interface BadCable {
  /** Start of the generator. Equal seeds draw equal fates; which datagram meets which is up to the order they come in. */
  readonly seed: number;
  readonly loss?: number;
  readonly duplicates?: number;
  /** Datagrams that are held back, so that later ones overtake them. */
  readonly reordering?: number;
}

/** A channel that hands everything on at once. */
export const goodCable: Channel = { pass: (datagram, deliver) => deliver(datagram) };

/** How many datagrams met which fate so far. */
export interface CableCounts {
  lost: number;
  doubled: number;
  heldBack: number;
}

/** A channel that loses, doubles and reorders, in place of the kernel's netem, which not every kernel has. */
export function badCable(cable: BadCable): Channel & { readonly counts: Readonly<CableCounts> } {
  const { seed, loss = 0, duplicates = 0, reordering = 0 } = cable;
  const draw = generator(seed);
  const counts: CableCounts = { lost: 0, doubled: 0, heldBack: 0 };
  const meets = (share: number, fate: keyof CableCounts) => {
    if (draw() >= share) return false;
    counts[fate]++;
    return true;
  };
  const once = (datagram: Buffer, deliver: (datagram: Buffer) => void) => {
    if (meets(reordering, "heldBack")) setTimeout(() => deliver(datagram), draw() * mostHeldBack);
    else deliver(datagram);
  };
  return {
    counts,
    pass: (datagram, deliver) => {
      if (meets(loss, "lost")) return;
      once(datagram, deliver);
      if (meets(duplicates, "doubled")) once(datagram, deliver);
    },
  };
}

/** Milliseconds: some round trips of a LAN, so that what is held back really comes late. */
const mostHeldBack = 20;

/** mulberry32: 32 bits of state, equal on every machine. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
