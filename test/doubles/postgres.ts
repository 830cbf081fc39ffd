import { globSync } from "node:fs";
import { chown, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { run } from "../../tools/lib/run.ts";
import { startTethered } from "./tethered.ts";

/** The real PostgreSQL of Debian, with a cluster of its own that nobody reaches but by its socket. */
export interface Postgres {
  /** As PULUMI_BACKEND_URL has it: a database `state`, reached as the role `bramble`. */
  readonly url: string;
  /** Runs a query and gives its rows, a line each. */
  query(sql: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Makes a cluster in a folder of its own, starts it, and waits until it says that it is ready.
 * @throws Error with what it says when it does not start
 */
export async function startPostgres(): Promise<Postgres> {
  // In the system's own folder for temporary things, since the user postgres must get there.
  const folder = await mkdtemp(join("/tmp", "postgres-"));
  const { stdout: ids } = await run(["id", "-u", "postgres"]);
  await chown(folder, Number(ids), -1);
  const data = join(folder, "data");
  await run([...asPostgres(), program("initdb"), "-D", data, "-A", "trust", "-U", "bramble", "--no-sync"], {
    cwd: "/",
  });
  const settings = ["listen_addresses=", `unix_socket_directories=${folder}`, "fsync=off"];
  const command = [program("postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const [first, ...rest] = [...asPostgres(), ...command];
  const { child, stop } = startTethered([first, ...rest], folder);
  const said: string[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      if (line.includes("ready to accept connections")) resolve();
    });
    child.on("close", () => reject(new Error(`PostgreSQL does not run: ${said.join("\n")}`)));
    child.on("error", reject);
  });
  const query = async (sql: string) =>
    (await run([program("psql"), "-h", folder, "-U", "bramble", "-d", "state", "-Atc", sql])).stdout;
  try {
    await ready;
    await run([program("createdb"), "-h", folder, "-U", "bramble", "state"]);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `postgres:///state?host=${folder}&user=bramble&sslmode=disable`, query, stop };
}

/** It refuses to run as root. */
function asPostgres(): readonly [string, ...string[]] {
  return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
}

/** Debian keeps the programs of each release in a folder of its own. */
function program(name: string): string {
  const [path] = globSync(`/usr/lib/postgresql/*/bin/${name}`);
  if (path === undefined) throw new Error(`${name} is not installed: apt-get install postgresql`);
  return path;
}
