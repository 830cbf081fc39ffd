import { randomBytes } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { siteId } from "../../site/keys.ts";
import { readIfThere } from "../lib/files.ts";
import { workFolder } from "../lib/paths.ts";
import { ensureStack, makeSecret } from "../secret/make.ts";
import { stacksFolder } from "../stack/chosen.ts";
import { passphraseFile } from "../stack/pulumi.ts";
import { siteSecret } from "../stack/stacks.ts";
import { type SizeName, sizes } from "./sizes.ts";

/** The lab's stack and, of the same name, its site. */
export const labStack = "lab";
/** What the lab keeps for itself. */
export const labFolder = join(workFolder, labStack);
export const labStackFile = join(stacksFolder, `Pulumi.${labStack}.yaml`);

/** What this machine and this run make of the lab's site file. */
export interface LabChoices {
  readonly accelerator: "kvm" | "tcg";
  readonly size: SizeName;
  readonly workers: number;
  readonly k3s: boolean;
  /** As `10.87.0`: the first three numbers of every address of the lab. */
  readonly prefix: string;
}

/** Makes the lab's stack if it is not there: passphrase, secret and the overrides that fit this machine. */
export async function ensureLabStack(choices: LabChoices): Promise<void> {
  await mkdir(labFolder, { recursive: true });
  const passphrase = passphraseFile(labStack);
  // Flag wx: a passphrase that is there is never replaced, for the stack's secret hangs on it.
  await writeFile(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600, flag: "wx" }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    },
  );
  await ensureStack(labStack);
  let document = await stackDocument();
  if (!document.hasIn(["config", "bramble:siteSecret"])) {
    await makeSecret(labStack);
    document = await stackDocument();
  }
  document.setIn(["config", "bramble:override"], document.createNode(overrides(choices)));
  await writeFile(labStackFile, document.toString());
  await writeFile(idFile(), siteId(Buffer.from(await siteSecret(labStack), "hex")));
}

/** What tells this lab's things on the machine from those of another lab; undefined where there never was a lab. */
export async function labId(): Promise<string | undefined> {
  return await readIfThere(idFile());
}

/** Forgets the lab's stack: passphrase, keys and stack file. */
export async function removeLabFiles(): Promise<void> {
  await rm(labStackFile, { force: true });
  await rm(passphraseFile(labStack), { force: true });
  await rm(idFile(), { force: true });
  await rm(join(workFolder, "ssh", labStack), { recursive: true, force: true });
}

function idFile(): string {
  return join(labFolder, "site-id");
}

async function stackDocument() {
  return parseDocument(await readFile(labStackFile, "utf8"));
}

/** The site file of the lab is written for 10.87.0.0/24 and two cores; see stacks/lab.yaml. */
function overrides({ accelerator, size, workers, k3s, prefix }: LabChoices) {
  const memory = sizes[size];
  return {
    network: { cidr: `${prefix}.0/24` },
    boards: {
      lab: { accelerator, cores: availableParallelism(), memory: `${Math.floor(totalmem() / 2 ** 20)}MiB` },
    },
    clusters: {
      hpc: {
        controller: { address: `${prefix}.10`, memory: `${memory.controller}MiB` },
        workers: {
          n: { count: workers, memory: `${memory.worker}MiB`, addresses: `${prefix}.11-${prefix}.18` },
        },
      },
      web: k3s
        ? {
            endpoint: `${prefix}.20`,
            servers: { memory: `${memory.server}MiB`, addresses: `${prefix}.21-${prefix}.25` },
            agents: { n: { memory: `${memory.agent}MiB`, addresses: `${prefix}.31-${prefix}.38` } },
          }
        : null,
    },
  };
}
