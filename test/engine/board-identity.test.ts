import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { givenAway } from "./secrets-of.ts";
import { startTrial, type Trial } from "./trial.ts";

const seeds = { host: Buffer.alloc(32, 0xa7), rotated: Buffer.alloc(32, 0xb8), ca: Buffer.alloc(32, 0xc9) };
/** A program with one identity, whose values a test changes in a file. */
const program = `import { readFileSync } from "node:fs";
import { BoardIdentity } from "./providers/board-identity/resource.ts";
new BoardIdentity("pi1", JSON.parse(readFileSync("identity.json", "utf8")));
`;

/** Real runs of the real engine: a board's identity from the first preview to the end, and the state that is left. */
describe("a board's identity, by the real engine", () => {
  let trial: Trial;
  let secrets: ReadonlyMap<string, string>;
  const root = () => join(trial.folder, "srv/identities");
  const wish = (change: object = {}) => {
    const inputs = {
      server: { connect: "local" },
      root: root(),
      owner: { site: "home", id: "0a1b2c3d" },
      board: "pi1",
      address: "10.20.0.11",
      principals: ["pi1", "10.20.0.11"],
      hostSeed: seeds.host.toString("hex"),
      caSeed: seeds.ca.toString("hex"),
      ...change,
    };
    return writeFile(join(trial.folder, "identity.json"), JSON.stringify(inputs));
  };
  /** Runs pulumi, and looks at all that it printed and kept. */
  const run = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await trial.pulumi(...args, "--stack", "home");
    equal(givenAway(secrets, stdout + stderr).join(), "", args.join(" "));
    const state = await trial.pulumi("stack", "export", "--stack", "home");
    equal(givenAway(secrets, state.stdout).join(), "");
    for (const entry of await readdir(join(trial.folder, ".bramble/state"), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      equal(givenAway(secrets, await readFile(path, "latin1")).join(), "", path);
    }
    return { code, said: stdout + stderr, state: state.stdout };
  };
  const succeeds = async (...args: readonly string[]) => {
    const { code, said, state } = await run(...args);
    equal(code, 0, said);
    return { said, state };
  };
  const archive = () => readFile(join(root(), "10.20.0.11.tar"));

  before(async () => {
    secrets = new Map(
      Object.entries(seeds).flatMap(([name, seed]) => [
        ...(["hex", "base64", "base64url", "latin1"] as const).map((form): [string, string] => [
          `${name} (${form})`,
          seed.toString(form),
        ]),
        ...sshKeyPair(seed)
          .privateKey.split("\n")
          .filter((line) => line.length > 20 && !line.startsWith("-"))
          .slice(1) // the first says only what kind of key it is
          .map((line, index): [string, string] => [`${name} (line ${index})`, line]),
      ]),
    );
    trial = await startTrial();
    await writeFile(join(trial.folder, "index.ts"), program);
    equal((await trial.pulumi("stack", "init", "home")).code, 0);
    await wish();
  });
  after(() => trial?.remove());

  it("is previewed without being made, made by `up`, and then unchanged", async () => {
    match((await succeeds("preview", "--diff")).said, /hostSeed *: \[secret\]/);
    const { state } = await succeeds("up", "--yes", "--skip-preview");
    ok((await archive()).includes(sshKeyPair(seeds.host).privateKey));
    const { outputs } = identityIn(state);
    equal(outputs.publicKey, sshKeyPair(seeds.host).publicKey);
    match(String(outputs.serial), /^[0-9]+$/);
    deepEqual(outputs.drift, []);
    await succeeds("preview", "--expect-no-changes");
  });

  it("is kept with its seeds encrypted, and in less than 4 KB", async () => {
    const { state } = await succeeds("stack", "export");
    const { inputs, outputs } = identityIn(state);
    for (const seed of [inputs.hostSeed, inputs.caSeed]) match(JSON.stringify(seed), /"ciphertext":/);
    equal(outputs.hostSeed, undefined);
    equal(outputs.caSeed, undefined);
    const bytes = JSON.stringify(identityIn(state)).replaceAll(trial.folder, "/srv").length;
    ok(bytes <= 4096, `${bytes} bytes`);
  });

  it("gets another key in its place with the next epoch", async () => {
    await wish({ hostSeed: seeds.rotated.toString("hex") });
    const before = await archive();
    match((await succeeds("preview", "--diff")).said, /~ .*BoardIdentity[\s\S]*update|update/);
    ok(before.equals(await archive()));
    match((await succeeds("up", "--yes", "--skip-preview")).said, /1 updated/);
    notEqual(before.compare(await archive()), 0);
    await succeeds("preview", "--expect-no-changes");
  });

  it("is seen to be gone by a refresh, and made again by the next `up`", async () => {
    await rm(join(root(), "10.20.0.11.tar"));
    match((await succeeds("refresh", "--yes", "--skip-preview", "--diff")).said, /10\.20\.0\.11\.tar: missing/);
    match((await succeeds("up", "--yes", "--skip-preview")).said, /1 updated/);
    ok((await archive()).length > 0);
  });

  it("says no secret when something is wrong with it", async () => {
    await wish({ caSeed: `${seeds.ca.toString("hex")}00`, board: "../pi1" });
    const { code, said } = await run("preview");
    notEqual(code, 0);
    match(said, /"\.\.\/pi1" is not the name of a board/);
    match(said, /caSeed is not 64 hex digits/);
    await wish({ root: "/proc/identities" });
    const failed = await run("up", "--yes", "--skip-preview");
    notEqual(failed.code, 0);
    match(failed.said, /\/proc\/identities: cannot make it/);
  });

  it("goes without a trace", async () => {
    await wish();
    await succeeds("destroy", "--yes", "--skip-preview");
    deepEqual(await readdir(root()), []);
  });
});

interface Kept {
  readonly inputs: Record<string, unknown>;
  readonly outputs: Record<string, unknown>;
}

function identityIn(state: string): Kept {
  const resources: (Kept & { readonly type: string })[] = JSON.parse(state).deployment.resources;
  const found = resources.find(({ type }) => type.endsWith(":BoardIdentity"));
  ok(found !== undefined);
  return found;
}
