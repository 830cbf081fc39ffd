import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { statusSchema } from "../../tools/status/model.ts";
import { startTrial, type Trial } from "./trial.ts";

/** Addresses of RFC 5737, which nobody has: packets to them get lost, as those to machines that are off. */
const site = `network: { cidr: 192.0.2.0/24, gateway: 192.0.2.1, ntp: [pool.ntp.org] }
boot: { server: tower }
boards:
  tower: { model: pc, role: boot-server, memory: 8GiB, connect: local, address: 192.0.2.5 }
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 192.0.2.11, drive: nvme-Samsung_970_EVO_S1-part1 }
clusters:
  physics:
    type: slurm
    controller: { address: 192.0.2.100, memory: 1GiB }
    workers:
      n: { count: 14, memory: 256MiB, cpus: 1, addresses: 192.0.2.101-192.0.2.120 }
`;

/** $1: Node. Reads two lines, then does what Ctrl-C does, and ends as the command ends. */
const interruptedAfterTwoLines = `
coproc watching { exec "$1" tools/bramble.js status --stack home --watch 1 --json; }
pid=$watching_PID
for _ in 1 2; do read -r line <&"\${watching[0]}" && printf '%s\\n' "$line"; done
kill -INT "$pid"
wait "$pid"
`;

/** The command as people run it, with the real engine for the stack's secret. */
describe("the command status", function () {
  this.timeout(120_000);
  let trial: Trial;

  before(async () => {
    trial = await startTrial();
    await trial.makeStack("home", site);
  });
  after(() => trial?.remove());

  it("says of a site in which nearly all are off that they are, in seconds, by table, page and exit code", async () => {
    const start = performance.now();
    const { code, stdout, stderr } = await trial.bramble("status", "--stack", "home", "--html", "site.html");
    const seconds = (performance.now() - start) / 1000;
    equal(code, 4, stderr);
    match(stdout, /^tower +pc boot-server +current /m);
    match(stdout, /^pi1 +pi5 hypervisor +off$/m);
    match(stdout, /^physics-n14 +physics worker on pi1 +off /m);
    match(stdout, /^What boards should run can't be said: .*artifacts update/m);
    match(
      await readFile(join(trial.folder, "site.html"), "utf8"),
      /<title>home: 17 machines: 16 off, 1 current<\/title>/,
    );
    equal(stderr, "");
    // One after the other they would take over a minute.
    ok(seconds < 40, `${seconds} s`);
  });

  it("goes on with --watch, and JSON a line each, until Ctrl-C, which is no failure", async () => {
    const { code, stdout, stderr } = await trial.run([
      "bash",
      "-c",
      interruptedAfterTwoLines,
      "bash",
      process.execPath,
    ]);
    equal(code, 130, stderr);
    const statuses = stdout
      .trim()
      .split("\n")
      .map((line) => statusSchema.parse(JSON.parse(line)));
    equal(statuses.length, 2);
    deepEqual(
      statuses.at(-1)?.boards.map(({ name, state }) => [name, state]),
      [
        ["pi1", "off"],
        ["tower", "current"],
      ],
    );
    ok(!stderr.includes("Error"), stderr);
  });

  it("prints the JSON Schema of that, and asks nobody", async () => {
    const { code, stdout, stderr } = await trial.bramble("status", "--json-schema");
    equal(code, 0, stderr);
    ok("properties" in JSON.parse(stdout));
  });

  it("refuses wrong options before it asks anybody", async () => {
    const { code, stderr } = await trial.bramble("status", "--stack", "home", "--watch", "0");
    equal(code, 2);
    match(stderr, /The pause is 1 to 3600 seconds/);
    match((await trial.bramble("status", "--stack", "nowhere")).stderr, /nowhere/);
  });
});
