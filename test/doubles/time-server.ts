import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { machineArch } from "../../images/recipe.ts";
import { commandOf, debianRoot } from "./debian-root.ts";
import { startTethered } from "./tethered.ts";

export interface TimeServer {
  stop(): Promise<void>;
}

/** Starts a real NTP server on an address of this machine, which tells this machine's time and leaves its clock alone. */
export async function startTimeServer(address: string): Promise<TimeServer> {
  const arch = machineArch();
  const root = await debianRoot({ suite: "trixie", arch, packages: ["chrony"] });
  const folder = await mkdtemp(`${tmpdir()}/bramble-time-server-`);
  const settings = [
    "local stratum 8",
    "allow",
    `bindaddress ${address}`,
    "cmdport 0",
    `bindcmdaddress ${folder}/socket`,
    `pidfile ${folder}/pid`,
  ];
  await writeFile(`${folder}/conf`, `${settings.join("\n")}\n`);
  const command = commandOf(root, arch, "sbin/chronyd", ["-d", "-x", "-u", "root", "-f", `${folder}/conf`]);
  const { child, stop } = startTethered(command, folder);
  const said: string[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on("line", (line) => {
        said.push(line);
        // It listens by now.
        if (line.includes("Disabled control of system clock")) resolve();
      });
      child.on("close", () => reject(new Error(`chronyd does not run: ${said.join("\n")}`)));
      child.on("error", reject);
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
