import { equal, match } from "node:assert/strict";
import { existsSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunResult } from "../../tools/lib/run.ts";
import { type Postgres, startPostgres } from "../doubles/postgres.ts";
import { givenAway, secretsOf } from "./secrets-of.ts";
import { startTrial, type Trial } from "./trial.ts";

/** A site that no machine is asked for: its only board is there for programs without VMs. */
const site = `network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
  tower:
    model: pc
    role: worker
    memory: 8GiB
    address: 10.20.0.5
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
`;

/** What a preview says of a site that is as it should be. */
const onlySame = /"changeSummary": \{\s*"same": \d+\s*\}/;

/** As docs/environments.md has it. */
const moveState = `
eval "$(node tools/bramble.js env)"
pulumi stack export --stack moved --file moved.json
export PULUMI_BACKEND_URL=$1
pulumi stack init moved --no-select
pulumi stack import --stack moved --file moved.json`;

describe("a stack whose state is in PostgreSQL", () => {
  let server: Postgres;
  let trial: Trial;
  const bramble = (...args: string[]) =>
    trial.run(["node", "tools/bramble.js", ...args, "--stack", "home"], { PULUMI_BACKEND_URL: server.url });
  const up = () => bramble("up", "--yes", "--skip-preview");
  const state = async () => (await bramble("preview", "--json")).stdout;

  before(async () => {
    server = await startPostgres();
    trial = await startTrial();
    await trial.write("home.yaml", site);
  });
  after(async () => {
    await trial?.remove();
    await server?.stop();
  });

  it("is made, brought up and read back there, and nowhere else", async () => {
    equal((await bramble("secret", "new")).code, 0);
    const made = await up();
    equal(made.code, 0, made.stderr + made.stdout);
    match(await state(), onlySame);
    const keys = await server.query("select key from pulumi_state order by key");
    match(keys, /^state\/\.pulumi\/stacks\/bramble\/home\.json$/m);
    equal(/locks\//.test(keys), false, keys);
    equal(existsSync(join(trial.folder, ".bramble/state")), false);
  });

  it("has no secret of the site in clear in the database", async () => {
    const secret = (await bramble("secret", "show")).stdout.trim();
    const secrets = secretsOf("home", site, secret);
    equal(givenAway(secrets, secret).includes("the site secret"), true);
    const rows = await server.query("select data->>'data' from pulumi_state");
    const texts = rows.split("\n").map((row) => Buffer.from(row, "base64").toString("latin1"));
    match(texts.join("\n"), /"secrets_providers"/);
    equal(givenAway(secrets, texts.join("\n")).join(), "");
  });

  it("is changed by one `up` at a time: a second is refused, and says who is at it", async () => {
    const first = await startHeldUp();
    const second = await up();
    equal(second.code, 1);
    match(second.stdout + second.stderr, /the stack is currently locked by 1 lock\(s\)/);
    match(second.stdout + second.stderr, /created by \S+@\S+ \(pid \d+\) at /);
    const done = await first.goOn();
    equal(done.code, 0, done.stderr + done.stdout);
  });

  it("says how to break the lock of an `up` that was killed, and goes on after that", async () => {
    const first = await startHeldUp();
    await first.kill();
    const second = await up();
    equal(second.code, 1);
    match(second.stdout + second.stderr, /locked by 1 lock[\s\S]*`pulumi cancel`/);
    const cancelled = await trial.run(
      ["bash", "-c", 'eval "$(node tools/bramble.js env)" && pulumi cancel --yes home'],
      {
        PULUMI_BACKEND_URL: server.url,
      },
    );
    equal(cancelled.code, 0, cancelled.stderr);
    const third = await up();
    equal(third.code, 0, third.stderr + third.stdout);
  });

  it("takes the state of a stack that was in a folder, and reads its secret", async () => {
    await trial.makeStack("moved", site);
    const moved = (...args: string[]) =>
      trial.run(["node", "tools/bramble.js", ...args, "--stack", "moved"], { PULUMI_BACKEND_URL: server.url });
    const secret = (await trial.bramble("secret", "show", "--stack", "moved")).stdout;
    match(secret, /^[0-9a-f]{64}\n$/);
    equal((await trial.bramble("up", "--yes", "--skip-preview", "--stack", "moved")).code, 0);
    const { stdout, stderr, code } = await trial.run(
      ["bash", "-euc", moveState, "bash", server.url],
      {},
      { timeout: 120_000 },
    );
    equal(code, 0, stderr + stdout);
    equal((await moved("secret", "show")).stdout, secret);
    match((await moved("preview", "--json")).stdout, onlySame);
  });

  it("is known by its database in the message of a stack that has no state there, without its password", async () => {
    const elsewhere = server.url.replace("/state?", "/postgres?").concat("&password=hedgehog");
    const { code, stderr } = await trial.run(["node", "tools/bramble.js", "preview", "--stack", "home"], {
      PULUMI_BACKEND_URL: elsewhere,
    });
    equal(code, 1);
    match(stderr, /Stack home has its file, but no state in postgres:\/\/\/postgres\?/);
    equal(stderr.includes("hedgehog"), false, stderr);
  });

  /** Starts an `up` that has the lock and waits in the middle of the program, until it is told to go on. */
  async function startHeldUp(): Promise<{ goOn(): Promise<RunResult>; kill(): Promise<void> }> {
    const program = join(trial.folder, "index.ts");
    const text = await readFile(program, "utf8");
    const [here, there] = [join(trial.folder, "here"), join(trial.folder, "there")];
    await trial.run(["mkfifo", here, there]);
    // Opening a pipe waits for the other side: neither of the two needs to ask again and again.
    const wait = `await writeFile(${JSON.stringify(here)}, process.pid.toString());\nawait readFile(${JSON.stringify(there)});\n`;
    await trial.run(
      ["tee", program],
      {},
      { input: `import { readFile, writeFile } from "node:fs/promises";\n${wait}${text}` },
    );
    const running = up();
    const pid = await Promise.race([readFile(here, "utf8"), running]);
    if (typeof pid !== "string") throw new Error(`up ended early: ${pid.stdout}${pid.stderr}`);
    await trial.run(["tee", program], {}, { input: text });
    await trial.run(["rm", here]);
    const end = async (last: () => Promise<void>) => {
      await last();
      const result = await running;
      await trial.run(["rm", there]);
      return result;
    };
    return {
      goOn: () => end(async () => await (await open(there, "w")).close()),
      kill: async () => {
        await end(async () => {
          // The program's language host and, above it, the engine, which has the lock.
          const { stdout } = await trial.run([
            "sh",
            "-c",
            `engine=$(ps -o ppid= $(ps -o ppid= ${pid})) && echo $engine`,
          ]);
          process.kill(Number(stdout), "SIGKILL");
          process.kill(Number(pid), "SIGKILL");
        });
      },
    };
  }
});
