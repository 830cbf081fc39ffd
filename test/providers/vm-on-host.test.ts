import { equal, rejects } from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { knownHostsLine, sshKeyPair } from "../../formats/ssh-key.ts";
import { isThere } from "../../providers/steps/vm-on-host.ts";
import { keyFolder, writeKeyFiles } from "../../providers/transport/key-files.ts";
import { HostKeyMismatch } from "../../providers/transport/ssh.ts";
import { whyNoPrivateMachine } from "../doubles/private-machine.ts";
import { type SecondHost, startSecondHost } from "../doubles/second-host.ts";

describe("a host that is asked for a VM", () => {
  const [deployKey, hostKey, other] = [newKey(), newKey(), newKey()];
  let workFolder: string;
  let host: SecondHost;

  before(async function () {
    if ((await whyNoPrivateMachine()) !== undefined) this.skip();
    workFolder = await mkdtemp(join(tmpdir(), "bramble-vm-on-host-"));
    process.env.BRAMBLE_WORK = workFolder;
    host = await startSecondHost({
      ...{ name: "tower", address: "10.77.3.2/24", wire: { gateway: "10.77.3.1" } },
      ...{ hostKey: hostKey.privateKey, authorizedKey: deployKey.publicKey },
    });
  });

  after(async () => {
    delete process.env.BRAMBLE_WORK;
    await host?.stop();
    if (workFolder !== undefined) await rm(workFolder, { recursive: true });
  });

  it("must show the key that the step was told, where the site file has no host at its address", async () => {
    await siteFileSays("10.77.3.20", other.publicKey);
    equal(await isThere(told(hostKey.publicKey), deployKey.privateKey), false);
    await rejects(isThere(told(other.publicKey), deployKey.privateKey), HostKeyMismatch);
  });

  it("must show the key that the site file has now, whatever the step was told", async () => {
    await siteFileSays(host.address, hostKey.publicKey);
    equal(await isThere(told(other.publicKey), deployKey.privateKey), false);
    await siteFileSays(host.address, other.publicKey);
    await rejects(isThere(told(hostKey.publicKey), deployKey.privateKey), HostKeyMismatch);
  });

  function siteFileSays(address: string, publicKey: string): Promise<void> {
    const files = { deployKey: deployKey.privateKey, knownHosts: knownHostsLine(address, publicKey), lost: {} };
    return writeKeyFiles(keyFolder(workFolder, "home"), files);
  }

  const told = (publicKey: string) => ({
    ...{ site: "home", name: "hpc-n1", host: "tower", uuid: randomUUID(), owner: "Bramble site home 0" },
    on: { connect: "ssh" as const, name: "tower", address: host.address, user: "root", hostKey: publicKey },
  });
});

function newKey() {
  return sshKeyPair(randomBytes(32));
}
