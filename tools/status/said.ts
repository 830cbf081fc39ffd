import { parseUptime } from "../../providers/transport/report.ts";
import { plain } from "./ask.ts";

/** What machine.sh printed. */
export interface MachineFacts {
  readonly upSeconds?: number;
  readonly os?: string;
  /** Operating system and kernel. */
  readonly system: string;
  /** What libvirt says of the site's VMs, by the name of their domain; missing where it was not asked, or does not answer. */
  readonly domains?: ReadonlyMap<string, string>;
  readonly problem?: string;
}

/** What guest.sh printed. */
export interface GuestFacts {
  readonly upSeconds?: number;
  readonly name?: string;
  readonly image?: string;
  readonly problem?: string;
  /** What the cluster says of its nodes; missing where it was not asked, or does not answer. */
  readonly nodes?: ReadonlyMap<string, string>;
  /** Why the cluster does not answer. */
  readonly silent?: string;
}

/** Reads what machine.sh printed. Nothing of it is trusted: it is cut to plain text. */
export function machineFacts(text: string): MachineFacts {
  const { first, values, all } = wordsOf(text);
  const domains = all("domain").flatMap((line) => {
    const [, name, state] = /^\S+ +(\S+) +(\S.*)$/.exec(line) ?? [];
    return name === undefined || state === undefined ? [] : [[name, state] as const];
  });
  const [os, kernel, problem] = [values.get("os"), values.get("kernel"), values.get("problem")];
  return {
    ...upSeconds(first),
    ...(os === undefined ? {} : { os }),
    system: [...(os === undefined ? [] : [os]), ...(kernel === undefined ? [] : [`kernel ${kernel}`])].join(", "),
    ...(values.has("libvirt") ? { domains: new Map(domains) } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Reads what guest.sh printed, likewise. */
export function guestFacts(text: string): GuestFacts {
  const { first, values, all } = wordsOf(text);
  const pick = (word: "name" | "image" | "problem" | "silent") => {
    const value = values.get(word);
    return value === undefined ? {} : { [word]: value };
  };
  const nodes = all("node").flatMap((line) => {
    const [name, state] = line.split(" ");
    return name === undefined || state === undefined ? [] : [[name, state] as const];
  });
  return {
    ...upSeconds(first),
    ...pick("name"),
    ...pick("image"),
    ...pick("problem"),
    ...pick("silent"),
    ...(values.has("cluster") ? { nodes: new Map(nodes) } : {}),
  };
}

function upSeconds(line: string): { readonly upSeconds?: number } {
  const seconds = parseUptime(line);
  return seconds === undefined ? {} : { upSeconds: seconds };
}

/** Lines that begin with a word which says what they are. */
function wordsOf(text: string) {
  const [first = "", ...lines] = text.split("\n");
  const said = lines.map((line): readonly [string, string] => {
    const [, word = "", rest = ""] = /^([a-z]+) ?(.*)$/.exec(line) ?? [];
    return [word, plain(rest)];
  });
  return {
    first,
    values: new Map(said),
    all: (wanted: string) => said.flatMap(([word, rest]) => (word === wanted ? [rest] : [])),
  };
}
