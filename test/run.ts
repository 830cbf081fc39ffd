// The test command: `npm test` runs every tier, `npm test -- pure program` some. A tier that this machine can't run
// says why; with CI=true that is a failure, since a check that did not run proves nothing.
import { existsSync, globSync } from "node:fs";
import { argv, env, exit, getuid, platform } from "node:process";
import Mocha from "mocha";
import { ensurePackages, installPackages, missingPackages } from "../tools/lab/host/packages.ts";
import { setup } from "../tools/setup/setup.ts";
import { ensureTestK3s } from "./doubles/shared-releases.ts";

interface Tier {
  /** Those that run one after the other, but for those below. */
  readonly files?: readonly string[];
  /**
   * Those of which two run at the same time, in this order: they leave alone what a machine has one of, such as its users.
   * What takes minutes comes first, so that it is not left by itself at the end.
   */
  readonly twoAtOnce?: readonly string[];
  /** Longest that one test or hook may take, in milliseconds. */
  readonly timeout: number;
  /** Whether it uses the engine and real libvirt and sshd, which are then made ready first. */
  readonly real?: boolean;
  /** Whether it runs only when it is named: it takes hours. */
  readonly byName?: boolean;
  /** Why this machine can't run it; undefined if it can. */
  readonly obstacle: () => string | undefined;
}

const tiers: Record<string, Tier> = {
  pure: {
    files: ["test/site/**/*.test.ts", "test/formats/**/*.test.ts", "test/images/*.test.ts"],
    timeout: 10_000,
    obstacle: () => undefined,
  },
  program: {
    files: ["test/components/**/*.test.ts", "test/stacks/**/*.test.ts"],
    timeout: 20_000,
    obstacle: () => undefined,
  },
  providers: {
    real: true,
    files: ["test/providers/**/*.test.ts"],
    twoAtOnce: [
      "test/providers/tftp-tree-kill.test.ts",
      "test/providers/k3s-accepts.test.ts",
      "test/providers/tftp-tree*.test.ts",
    ],
    timeout: 600_000,
    obstacle: () => linuxAsRoot("starts sshd and k3s"),
  },
  real: {
    real: true,
    twoAtOnce: [
      "test/tools/rollout/rollout-lan.test.ts",
      "test/engine/**/*.test.ts",
      "test/images/real/**/*.test.ts",
      "test/doubles/**/*.test.ts",
      "test/tools/**/*.test.ts",
    ],
    timeout: 600_000,
    obstacle: () => linuxAsRoot("starts sshd and libvirt"),
  },
  long: {
    real: true,
    byName: true,
    files: ["test/long/**/*.test.ts"],
    timeout: 7_200_000,
    obstacle: () => linuxAsRoot("boots k3s in VMs"),
  },
  e2e: { real: true, files: ["test/e2e/**/*.test.ts"], timeout: 1_800_000, obstacle: () => linuxAsRoot("boots a lab") },
};

/** Debian packages that only tests need. */
const testPackages = [
  "containernetworking-plugins",
  "curl",
  "openssh-server",
  "openssl",
  "keepalived",
  "iproute2",
  "procps",
  "nginx-light",
  "mtools",
  "busybox",
  "systemd",
  "qemu-user-static",
  "nodejs",
  "chromium",
  "jq",
  "postgresql",
];

const wanted = argv.slice(2).length > 0 ? argv.slice(2) : Object.keys(tiers).filter((name) => !tiers[name]?.byName);
let passed = 0;
let failed = 0;
let skipped = 0;
for (const name of wanted) {
  const tier = tiers[name];
  if (tier === undefined) {
    console.error(`There is no tier ${JSON.stringify(name)}; there are: ${Object.keys(tiers).join(", ")}.`);
    exit(2);
  }
  console.log(`\n# ${name}`);
  const obstacle = tier.obstacle();
  if (obstacle !== undefined) {
    console.log(`  not run: ${obstacle}`);
    if (env.CI === "true") failed++;
    else skipped++;
    continue;
  }
  if (tier.real) await makeReady();
  for (const stats of await runTier(tier)) {
    passed += stats.passes;
    failed += stats.failures + (env.CI === "true" ? stats.pending : 0);
    skipped += env.CI === "true" ? 0 : stats.pending;
  }
}
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
exit(failed > 0 || passed === 0 ? 1 : 0);

/** Installs what the lab needs, and what the tests need besides. */
async function makeReady(): Promise<void> {
  const missing = await missingPackages(testPackages);
  if (missing.length > 0) await installPackages(missing);
  const installed = [...(await ensurePackages()), ...missing];
  if (installed.length > 0) console.log(`  installed ${installed.join(", ")}`);
  await setup({ say: console.log });
  await ensureTestK3s();
}

async function runTier({ files = [], twoAtOnce = [], timeout }: Tier): Promise<Mocha.Stats[]> {
  const inPairs = inOrder(twoAtOnce);
  const byThemselves = inOrder(files).filter((file) => !inPairs.includes(file));
  const runs: Mocha.Stats[] = [];
  if (byThemselves.length > 0) runs.push(await runFiles(byThemselves, { timeout }));
  if (inPairs.length > 0) runs.push(await runFiles(inPairs, { timeout, parallel: true, jobs: 2 }));
  return runs;
}

/** The files of these patterns, each once. */
function inOrder(patterns: readonly string[]): string[] {
  return [...new Set(patterns.flatMap((pattern) => globSync(pattern).sort()))];
}

async function runFiles(files: readonly string[], options: Mocha.MochaOptions): Promise<Mocha.Stats> {
  const mocha = new Mocha({ slow: 20_000, reporter: "spec", forbidOnly: env.CI === "true", ...options });
  for (const file of files) mocha.addFile(file);
  if (!options.parallel) await mocha.loadFilesAsync();
  return await new Promise((resolve) => {
    const runner = mocha.run(() => {
      if (runner.stats === undefined) throw new Error("mocha kept no count");
      resolve(runner.stats);
    });
  });
}

function linuxAsRoot(what: string): string | undefined {
  if (platform !== "linux") return `it ${what}, which needs Linux`;
  if (getuid?.() !== 0) return `it ${what}, which needs root`;
  return existsSync("/usr/bin/apt-get") ? undefined : `it ${what}, for which it installs Debian packages`;
}
