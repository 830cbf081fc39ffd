import { argv, exit, stderr, stdout } from "node:process";
import { Command, CommanderError } from "commander";

/** What `bramble` can do; each is loaded when it is called, so that none waits for the others. */
const commands: Record<string, () => Promise<Command>> = {
  lab: async () => (await import("./lab/command.ts")).labCommand(),
  setup: async () => (await import("./setup/command.ts")).setupCommand(),
  init: async () => (await import("./init/command.ts")).initCommand(),
  check: async () => (await import("./site/command.ts")).checkCommand(),
  preview: async () => (await import("./stack/command.ts")).stackCommand("preview"),
  plan: async () => (await import("./plan/command.ts")).planCommand(),
  up: async () => (await import("./stack/command.ts")).stackCommand("up"),
  refresh: async () => (await import("./stack/command.ts")).stackCommand("refresh"),
  destroy: async () => (await import("./stack/command.ts")).stackCommand("destroy"),
  status: async () => (await import("./status/command.ts")).statusCommand(),
  rollout: async () => (await import("./rollout/command.ts")).rolloutCommand(),
  ssh: async () => (await import("./ssh/command.ts")).sshCommand(),
  kubeconfig: async () => (await import("./kubeconfig/command.ts")).kubeconfigCommand(),
  secret: async () => (await import("./secret/command.ts")).secretCommand(),
  "deploy-key": async () => (await import("./secret/command.ts")).deployKeyCommand(),
  "ssh-ca": async () => (await import("./secret/command.ts")).sshCaCommand(),
  "host-key": async () => (await import("./host-key/command.ts")).hostKeyCommand(),
  image: async () => (await import("./image/command.ts")).imageCommand(),
  artifacts: async () => (await import("./artifacts/command.ts")).artifactsCommand(),
  "sd-card": async () => (await import("./sd-card/command.ts")).sdCardCommand(),
  schema: async () => (await import("./site/command.ts")).schemaCommand(),
  ci: async () => (await import("./ci/command.ts")).ciCommand(),
  env: async () => (await import("./setup/command.ts")).envCommand(),
};

/** Runs the command line. Exit codes: 0 done, 1 failed, 2 wrong use, 4 machines are off and 5 degraded (`up`, `status`), 130 interrupted; `plan` has its own. */
export async function main(): Promise<void> {
  // Whoever reads along may stop, as `head` does; that is no fault of ours.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    exit(0);
  });
  const program = new Command("bramble")
    .description(
      "Turns a site of Raspberry Pis into running k3s and Slurm clusters.\nStart with `npm run lab`: a whole site on this machine, in VMs.",
    )
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError("(--help shows what there is)");
  const named = commands[argv[2] ?? ""];
  for (const load of named === undefined ? Object.values(commands) : [named]) {
    const command = await load();
    program.addCommand(inherit(command));
  }
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Subcommands are made elsewhere and don't take over the settings of the program by themselves. */
function inherit(command: Command): Command {
  command.exitOverride().showHelpAfterError("(--help shows what there is)");
  for (const below of command.commands) inherit(below);
  return command;
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : argv[2] === "plan" ? 1 : 2; // said already; 2 is a plan's "changes"
  if (error instanceof Error && error.name === "AbortError") {
    stderr.write("Interrupted.\n");
    return 130;
  }
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
}
