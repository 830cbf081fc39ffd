import assert from "node:assert/strict";
import type { Overrides } from "../../site/document.ts";
import type { Site } from "../../site/model.ts";
import { type Problem, printProblems } from "../../site/problem.ts";
import { readSite } from "../../site/read.ts";

/** A small right site; tests change one thing in it. */
export const shelf = `site: home
network: { cidr: 10.20.0.0/24, gateway: 10.20.0.1 }
boards:
  pi1: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa01", mac: "dc:a6:32:00:00:01", address: 10.20.0.11 }
  pi2: { model: pi5, memory: 8GiB, serial: "10000000aaaaaa02", mac: "dc:a6:32:00:00:02", address: 10.20.0.12 }
clusters:
  physics:
    type: slurm
    controller: { address: 10.20.0.100, memory: 1GiB }
    workers:
      n: { count: 2, memory: 2GiB, addresses: 10.20.0.101-10.20.0.109 }
users:
  alice: { uid: 2001, keys: ["${ed25519Key()} alice@desk"] }
`;

/** A well-formed public key; nobody has the private one. */
export function ed25519Key(): string {
  return "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
}

/** The shelf with pieces of its text replaced. */
export function edited(...edits: readonly (readonly [from: string, to: string])[]): string {
  return edits.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), `the text has no ${JSON.stringify(from)}`);
    return text.replace(from, () => to);
  }, shelf);
}

export function siteOf(text: string, overrides?: Overrides): Site {
  const result = readSite({ file: "home.yaml", text, ...(overrides && { overrides }) });
  assert.ok(result.ok, result.ok ? "" : printProblems(result.problems));
  return result.site;
}

export function problemsOf(text: string, overrides?: Overrides): readonly Problem[] {
  const result = readSite({ file: "home.yaml", text, ...(overrides && { overrides }) });
  return result.ok ? [] : result.problems;
}

/** The warnings of a site that has no problems. */
export function warningsOf(text: string): readonly Problem[] {
  const result = readSite({ file: "home.yaml", text });
  assert.ok(result.ok, result.ok ? "" : printProblems(result.problems));
  return result.warnings;
}

/** Problems as `rule at line: what stands there`. */
export function placesOf(text: string, overrides?: Overrides): string[] {
  const lines = text.split("\n");
  return problemsOf(text, overrides).map(({ line, column, rule }) => {
    const [word = ""] = /^"[^"]*"|^[^\s,}\]]*/.exec(lines[line - 1]?.slice(column - 1) ?? "") ?? [];
    return `${rule} at ${line}: ${word.slice(0, 30)}`;
  });
}
