import { readFile } from "node:fs/promises";
import { env, stdout } from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { projectRoot } from "../lib/paths.ts";
import { chosenStack } from "../stack/chosen.ts";
import { keepComment } from "./comments.ts";
import { fenced } from "./markdown.ts";
import { setOutput, writeComment } from "./output.ts";
import { reviewStack } from "./preview.ts";
import { takePullRequest } from "./take.ts";
import { upAfterMerge } from "./up.ts";
import { asPlainLog } from "./workflow-log.ts";

/** Characters of the reason why a pull request can't be taken. */
const longestReason = 10_000;

/** `bramble ci …`: the steps of the workflows in docs/ci/, which can be run by hand as well. */
export function ciCommand(): Command {
  const command = new Command("ci").description("the steps of a workflow for pull requests and merges (docs/ci.md)");
  const ofStack = (name: string, description: string) =>
    command.command(name).description(description).option("-s, --stack <name>", "the stack (or BRAMBLE_STACK)");
  command
    .command("take")
    .description("lay a pull request's site files over this checkout of the base branch, and nothing that is run")
    .requiredOption("--head <commit>", "the pull request's commit")
    .option("--number <number>", "fetch it from origin, by the pull request's number", positive)
    .option("--all", "take the program as well: what comes after runs the pull request's code")
    .option("--out <folder>", "write comment.md there when it can't be taken, which says why")
    .action(take);
  ofStack("preview", "preview a stack with what was taken, as a comment; exit code 3: the plan is refused")
    .requiredOption("--out <folder>", "where to write comment.md")
    .action(async (options: { stack?: string; out: string }) => {
      process.exitCode = await asPlainLog(() => reviewStack(chosenStack(options.stack), options.out));
    });
  ofStack("comment", "write a comment under a pull request, or over its last one for this stack")
    .requiredOption("--file <file>", "the text, in Markdown")
    .requiredOption("--number <number>", "the pull request's number", positive)
    .option("--author <login>", "who comments with this token", "github-actions[bot]")
    .addHelpText("after", "\nTakes GITHUB_TOKEN, GITHUB_REPOSITORY and GITHUB_API_URL from the environment.")
    .action(comment);
  ofStack("up", "run `up` without asking, and leave a summary for the forge")
    .option("--branch <name>", "apply only what is the newest commit of this branch on origin")
    .action(async (options: { stack?: string; branch?: string }) => {
      process.exitCode = await asPlainLog(() => upAfterMerge(chosenStack(options.stack), options.branch));
    });
  return command;
}

interface TakeCommand {
  readonly head: string;
  readonly number?: number;
  readonly all?: boolean;
  readonly out?: string;
}

async function take({ out, ...options }: TakeCommand): Promise<void> {
  const taken = await takePullRequest(projectRoot, options).catch(async (error: Error) => {
    if (out !== undefined)
      await writeComment(out, `### It can't be previewed\n\n${fenced(error.message, longestReason)}`);
    throw error;
  });
  const { data, program, all, notes } = taken;
  const say = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) stdout.write(`${title}\n${lines.map((line) => `  ${JSON.stringify(line)}\n`).join("")}`);
  };
  say("Taken:", data);
  say(all ? "Taken, and run from now on:" : "Not taken, since it is run:", program);
  for (const note of notes) stdout.write(`${note}\n`);
  if (data.length + program.length === 0) stdout.write("Nothing in it changes a site.\n");
  await setOutput("program", program.length > 0);
}

async function comment(options: { stack?: string; file: string; number: number; author: string }): Promise<void> {
  const stack = chosenStack(options.stack);
  const forge = {
    api: needed("GITHUB_API_URL"),
    repository: needed("GITHUB_REPOSITORY"),
    token: needed("GITHUB_TOKEN"),
    author: options.author,
  };
  const text = await readFile(options.file, "utf8");
  const done = await keepComment(forge, options.number, `<!-- bramble: stack ${stack} -->`, text);
  stdout.write(`The comment on stack ${stack} is ${done}.\n`);
}

/** A variable that the forge sets in a workflow. */
function needed(name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set; a workflow of GitHub has it.`);
  return value;
}

function positive(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It is a whole number from 1.");
}
