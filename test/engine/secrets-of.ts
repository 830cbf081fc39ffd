import { k3sIdentity } from "../../components/k3s-identity.ts";
import { sshKeyPair } from "../../formats/ssh-key.ts";
import { siteKeys } from "../../site/keys.ts";
import { readSite } from "../../site/read.ts";

/** Every text that would give away a key of a site, each in the forms in which it is handed around. */
export function secretsOf(siteName: string, siteText: string, siteSecret: string): ReadonlyMap<string, string> {
  const read = readSite({ file: `${siteName}.yaml`, text: siteText });
  if (!read.ok) throw new Error(read.problems.map(({ message }) => message).join("\n"));
  const secret = Buffer.from(siteSecret, "hex");
  const keys = siteKeys(secret, siteName, read.site.epochs);
  const secrets = new Map([["the site secret", siteSecret]]);
  const addBytes = (name: string, bytes: Uint8Array) => {
    for (const encoding of ["hex", "base64", "base64url", "latin1"] as const)
      secrets.set(`${name} (${encoding})`, Buffer.from(bytes).toString(encoding));
  };
  const addLines = (name: string, pem: string) => {
    for (const [index, line] of pem.split("\n").entries())
      if (line.length > 20 && !line.startsWith("-")) secrets.set(`${name} (line ${index})`, line);
  };
  const addPrivateKey = (name: string, seed: Uint8Array) => {
    const pem = sshKeyPair(seed).privateKey;
    addLines(name, pem);
    secrets.set(`${name} (again in base64)`, Buffer.from(pem).toString("base64").slice(0, 200));
    addBytes(`${name} (seed)`, seed);
  };
  addBytes("the site secret", secret);
  addPrivateKey("the deploy key", keys.deployKey());
  for (const { name } of [...read.site.hosts, ...read.site.vms])
    addPrivateKey(`the host key of ${name}`, keys.sshHostKey(name));
  for (const { name, type } of read.site.clusters) {
    addBytes(`the munge key of ${name}`, keys.mungeKey(name));
    if (type !== "k3s") continue;
    const { serverToken, agentToken, authorities } = k3sIdentity(keys, name);
    secrets.set(`the token of ${name}'s servers`, serverToken.password);
    secrets.set(`the token of ${name}'s agents`, agentToken.password);
    for (const [path, pem] of Object.entries(authorities))
      if (path.endsWith(".key")) addLines(`${path} of ${name}`, pem);
  }
  return secrets;
}

/** The names of the secrets that a text gives away. */
export function givenAway(secrets: ReadonlyMap<string, string>, text: string): string[] {
  return [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);
}
