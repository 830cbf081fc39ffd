import { boardSeed } from "../formats/board-seed.ts";
import type { Figure } from "./table.ts";

const boards = 1000;

/** The seeds of 1,000 boards, each with a bridge and two files of its own. */
export function boardSeedFigures(runs: number): Figure[] {
  const values = Array.from({ length: runs }, () => {
    const started = performance.now();
    for (let board = 0; board < boards; board++) renderSeed(board);
    return performance.now() - started;
  });
  return [{ name: `render the seeds of ${boards} boards`, unit: "ms", target: 500, values }];
}

function renderSeed(board: number): void {
  const address = `10.20.${Math.floor(board / 250)}.${1 + (board % 250)}`;
  const seed = boardSeed({
    hostname: `pi${board}`,
    instanceId: `0a1b2c3d-pi${board}`,
    network: {
      address,
      prefixLength: 16,
      gateway: "10.20.255.254",
      dns: ["10.20.255.254", "9.9.9.9"],
      bridge: "br0",
    },
    identityUrl: "http://10.20.255.253:8081/cgi-bin/identity",
    files: {
      "etc/modprobe.d/nfs.conf": { text: `options nfs nfs4_unique_id=pi${board}\n`, mode: 0o644 },
      "etc/motd": { text: `pi${board}\n`, mode: 0o644 },
    },
  });
  if (seed["meta-data"]?.includes(address) !== true) throw new Error(`the seed of pi${board} has no address`);
}
