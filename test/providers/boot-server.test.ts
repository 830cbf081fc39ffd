import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { existsSync } from "node:fs";
import type { RunResult } from "../../tools/lib/run.ts";
import {
  type BootMachine,
  dnsmasqConf,
  httpRoot,
  nginxConf,
  otherAddress,
  startBootMachine,
  tftpRoot,
  whyNoBootMachine,
} from "./support/boot-machine.ts";

describe("the boot server step", function () {
  this.timeout(60_000);
  let server: BootMachine;

  before(async function () {
    if ((await whyNoBootMachine()) !== undefined) this.skip();
    server = await startBootMachine("local");
  });
  after(() => server?.stop());

  it("serves files by TFTP and HTTP", () => servesFiles(server));

  it("restarts nothing when nothing changed", () => restartsNothing(server));

  it("restarts dnsmasq alone when only its configuration changed", async () => {
    const [dnsmasq, nginx] = await server.pids();
    const said = await succeeds(server.apply({ dnsmasq: dnsmasqConf("tftp-max=200") }));
    match(said, /TFTP: restarted\nHTTP: unchanged/);
    const now = await server.pids();
    notEqual(now[0], dnsmasq);
    equal(now[1], nginx);
    equal(await server.tftp("start4.elf"), "firmware\n");
    await succeeds(server.apply());
  });

  it("has nginx read a new configuration without a restart, another port too", async () => {
    const before = await server.pids();
    match(await succeeds(server.apply({ nginx: nginxConf(8081), httpPort: 8081 })), /TFTP: unchanged\nHTTP: reloaded/);
    deepEqual(await server.pids(), before);
    equal(await server.http("modloop", 8081), "modules\n");
    await succeeds(server.apply());
  });

  it("makes up for a run that was killed before it restarted what it had changed", async () => {
    const [dnsmasq] = await server.pids();
    await server.run("sh", "-c", "echo tftp-max=300 >>/etc/bramble/home/dnsmasq.conf");
    const said = await succeeds(server.apply({ dnsmasq: `${dnsmasqConf()}tftp-max=300\n` }));
    match(said, /TFTP: restarted\nHTTP: unchanged/);
    notEqual((await server.pids())[0], dnsmasq);
    await succeeds(server.apply());
  });

  it("starts again what has died", async () => {
    await server.run("kill", "-KILL", (await server.pids())[0]);
    match(await succeeds(server.apply()), /TFTP: started\nHTTP: unchanged/);
    equal(await server.tftp("start4.elf"), "firmware\n");
  });

  it("leaves all as it is when a program refuses its new configuration, and says what it said", () =>
    refusesMistakes(server));

  it("goes back to the old configuration when a service does not start with the new one", async () => {
    // Nothing is wrong with it but that no interface has this address.
    const said = await fails(server.apply({ dnsmasq: dnsmasqConf("listen-address=192.0.2.1") }));
    match(said, /Cannot assign requested address/);
    match(said, /the old configuration is served again\ndnsmasq did not take up its new configuration/);
    equal(await server.tftp("start4.elf"), "firmware\n");
    match(await succeeds(server.apply()), /TFTP: unchanged/);
  });

  it("fails when a service runs and does not answer, and shows what it said last", async () => {
    const [dnsmasq] = await server.pids();
    await server.run("kill", "-STOP", dnsmasq);
    const said = await fails(server.apply({ nginx: nginxConf(8080, "return 500;") }));
    await server.run("kill", "-CONT", dnsmasq);
    match(said, /runs, but does not serve:\n {2}TFTP at 127\.0\.0\.1, port 69\/udp: nothing answered within 5 s/);
    match(said, /HTTP at http:[\s\S]*answers with status 500[\s\S]*It said last:[\s\S]*TFTP root is \/srv\/boot\/tftp/);
    await succeeds(server.apply());
  });

  it("takes a refusal, or what is not TFTP, for no service", async () => {
    const probe = new URL("../../providers/transport/tftp-probe.ts", import.meta.url).href;
    const answered = (hex: string) =>
      server.runModule(
        `import { createSocket } from "node:dgram";
        import { whyNoTftp } from "${probe}";
        const [address, answer] = process.argv.slice(1);
        const server = createSocket("udp4").bind(69, address);
        server.on("message", (_, { port, address }) => server.send(Buffer.from(answer, "hex"), port, address));
        console.log(await whyNoTftp(address, "file", 2000));
        server.close();`,
        otherAddress,
        hex,
      );
    match(await answered("00050002646f6f7200"), /it refused with error 2: door/);
    match(await answered("485454502f312e31"), /the answer is not TFTP/);
    equal(await answered("00050001676f6e6500"), "undefined\n");
  });

  it("names the program that has a port, and changes nothing", async () => {
    const script = `require("dgram").createSocket("udp4").bind(69, "${otherAddress}", () => console.log("ready"))`;
    const other = await server.start(process.execPath, "-e", script);
    const said = await fails(server.apply({ site: "other", tftpAddress: otherAddress }));
    await other.stop();
    match(
      said,
      /port 69\/udp of 10\.213\.80\.1, for TFTP, is held by node \(process \d+: .*\)\. Stop it, or set `manage: false`/,
    );
    equal(await server.run("find", "/etc/bramble", "-name", "other"), "");
  });

  it("refuses an address that the machine does not have", async () => {
    const said = await fails(server.apply({ tftpAddress: "192.0.2.7" }));
    match(said, /no interface of this machine has the address 192\.0\.2\.7/);
  });

  it("refuses a second site of the same name", async () => {
    const refusal = /another site that is called home too \(first, not twin\)/;
    match(await fails(server.apply({ siteId: "twin" })), refusal);
    match(await fails(server.remove({ siteId: "twin" })), refusal);
  });

  it("leaves only what is in the roots when it is removed, however often", () => leavesNothing(server));

  it("writes units that systemd finds nothing wrong with", async function () {
    if (!existsSync("/usr/bin/systemd-analyze")) this.skip();
    await server.run("mkdir", "-p", "/run/systemd/system");
    // It looks as if systemd ran here, but it can't be told of the units.
    match(await fails(server.apply()), /Failed to connect to bus/);
    const units = ["tftp", "http", "identity"].map((name) => `/etc/systemd/system/bramble-home-${name}.service`);
    equal(await server.run("sh", "-c", 'systemd-analyze verify "$@" 2>&1', "sh", ...units), "");
  });
});

describe("the boot server step, over a real sshd", function () {
  this.timeout(60_000);
  let server: BootMachine;

  before(async function () {
    if ((await whyNoBootMachine()) !== undefined) this.skip();
    server = await startBootMachine("ssh");
  });
  after(() => server?.stop());

  it("serves files by TFTP and HTTP", () => servesFiles(server));
  it("restarts nothing when nothing changed", () => restartsNothing(server));
  it("leaves all as it is when a program refuses its new configuration", () => refusesMistakes(server));
  it("leaves only what is in the roots when it is removed, however often", () => leavesNothing(server));
});

async function servesFiles(server: BootMachine): Promise<void> {
  const said = await succeeds(server.apply());
  match(said, /TFTP: started\nHTTP: started\nidentities: started\nnothing starts these after a reboot/);
  await server.run("sh", "-c", `echo firmware >${tftpRoot}/start4.elf; echo modules >${httpRoot}/modloop`);
  equal(await server.tftp("start4.elf"), "firmware\n");
  equal(await server.http("modloop"), "modules\n");
  equal(await server.run("stat", "-c", "%a %U", tftpRoot, httpRoot), "755 root\n755 root\n");
}

async function restartsNothing(server: BootMachine): Promise<void> {
  const before = await server.pids();
  match(await succeeds(server.apply()), /TFTP: unchanged\nHTTP: unchanged\nidentities: unchanged/);
  deepEqual(await server.pids(), before);
}

async function refusesMistakes(server: BootMachine): Promise<void> {
  const before = await server.pids();
  const dnsmasq = await fails(server.apply({ dnsmasq: dnsmasqConf("no-such-setting") }));
  match(dnsmasq, /dnsmasq does not accept .* nothing was changed:\n.*bad option at line/);
  const nginx = await fails(server.apply({ nginx: "http { nonsense; }" }));
  match(nginx, /nginx does not accept .* nothing was changed:\n.*unknown directive "nonsense"/);
  deepEqual(await server.pids(), before);
  await restartsNothing(server);
}

async function leavesNothing(server: BootMachine): Promise<void> {
  const running = await server.pids();
  match(await succeeds(server.remove()), /home has no boot server any more/);
  equal(await server.run("sh", "-c", `for pid; do [ ! -e /proc/$pid ] || echo $pid; done`, "sh", ...running), "");
  // What this machine has of the kind is hidden there by marks in /run/changes.
  const find = "find /etc /run /var/lib /var/log -path /run/changes -prune -o -path '*bramble*' -print";
  equal(await server.run("sh", "-c", find), "");
  equal(await server.run("sh", "-c", "find /srv/boot -type f | sort"), `${httpRoot}/modloop\n${tftpRoot}/start4.elf\n`);
  await succeeds(server.remove());
}

async function succeeds(result: Promise<RunResult>): Promise<string> {
  const { code, stdout, stderr } = await result;
  equal(code, 0, stderr);
  return stdout;
}

async function fails(result: Promise<RunResult>): Promise<string> {
  const { code, stderr } = await result;
  equal(code, 1, stderr);
  return stderr;
}
