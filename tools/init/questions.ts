import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import { numberToIpv4, parseCidr, parseIpv4, parseMac } from "../../site/addresses.ts";
import { parseName } from "../../site/names.ts";
import { list, type Parsed } from "../../site/problem.ts";
import { boardModels } from "../../site/schema.ts";
import { parseSize } from "../../site/units.ts";
import { type ClusterKind, clusterKinds, type NewBoard, type NewSite } from "./site-text.ts";

/** Asks for one thing until the answer is one; nothing typed is `usual`. */
type Ask = <T>(question: string, parse: (text: string) => Parsed<T>, usual?: string) => Promise<T>;

/** What flags left open is asked for on the terminal. @throws Error named AbortError when the user presses Ctrl-C or Ctrl-D. */
export async function askForTheRest(
  given: Omit<NewSite, "cluster"> & { cluster?: ClusterKind | undefined },
): Promise<NewSite> {
  const terminal = createInterface({ input: stdin, output: stdout });
  terminal.once("SIGINT", () => terminal.close());
  // Lines come from one place, so that an answer which is typed or pasted before its question is not lost.
  const lines = terminal[Symbol.asyncIterator]();
  const ask: Ask = async (question, parse, usual) => {
    for (;;) {
      terminal.setPrompt(usual === undefined ? `${question}: ` : `${question} [${usual}]: `);
      terminal.prompt();
      const { value: line, done } = await lines.next();
      if (done === true) throw new DOMException("no more answers", "AbortError");
      const typed = line.trim();
      const parsed = parse(typed === "" && usual !== undefined ? usual : typed);
      if ("value" in parsed) return parsed.value;
      stdout.write(`  ${parsed.message}; ${parsed.hint}\n`);
    }
  };
  try {
    const cidr = given.cidr ?? (await ask("Network of the site", asWritten(parseCidr), "10.20.0.0/24"));
    const gateway = given.gateway ?? (given.mode === undefined ? await askGateway(ask, cidr) : undefined);
    const boards = given.boards.length > 0 ? given.boards : await askBoards(ask);
    const cluster = given.cluster ?? (await ask("Cluster: slurm, k3s or none", oneOf(clusterKinds), "slurm"));
    return { ...given, cidr, gateway, boards, cluster };
  } finally {
    terminal.close();
  }
}

async function askGateway(ask: Ask, cidr: string): Promise<string> {
  const network = parseCidr(cidr);
  const usual = "value" in network ? numberToIpv4(network.value.first + 1) : undefined;
  return await ask("Its router", asWritten(parseIpv4), usual);
}

const models = [...Object.keys(boardModels), "pc"];

async function askBoards(ask: Ask): Promise<NewBoard[]> {
  stdout.write("Machines, one after the other. An empty name ends the list.\n");
  const boards: NewBoard[] = [];
  for (;;) {
    const name = await ask(`Name of machine ${boards.length + 1}`, (text) =>
      text === "" && boards.length > 0 ? { value: "" } : parseName(text),
    );
    if (name === "") return boards;
    boards.push({ name, keys: await askBoard(ask) });
  }
}

async function askBoard(ask: Ask): Promise<Record<string, string>> {
  const model = await ask(`  Model: ${models.join(", ")}`, oneOf(models), "pi5");
  const memory = await ask("  Memory", asWritten(parseSize), "8GiB");
  if (model !== "pc") {
    const serial = await ask("  Serial number (line Serial in /proc/cpuinfo)", something);
    const mac = await ask("  MAC address", asWritten(parseMac));
    return { model, memory, serial, mac, address: await ask("  Address", asWritten(parseIpv4)) };
  }
  const cores = await ask("  Cores", something, "4");
  if ((await ask("  Is it this machine? yes or no", oneOf(["yes", "no"]), "no")) === "yes")
    return { model, memory, cores, connect: "local" };
  const address = await ask("  Address", asWritten(parseIpv4));
  const hostKey = await ask("  Host key (npm run bramble -- host-key ADDRESS prints it)", something);
  return { model, memory, cores, address, hostKey };
}

/** The answer as it was typed, when it is one. */
function asWritten(parse: (text: string) => Parsed<unknown>): (text: string) => Parsed<string> {
  return (text) => {
    const parsed = parse(text);
    return "value" in parsed ? { value: text } : parsed;
  };
}

function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Parsed<Word> {
  return (text) => {
    const word = words.find((known) => known === text);
    return word === undefined ? { message: "that is none of them", hint: `type ${list(words, 10)}` } : { value: word };
  };
}

function something(text: string): Parsed<string> {
  return text === "" ? { message: "it is needed", hint: "type it, or press Ctrl-C" } : { value: text };
}
