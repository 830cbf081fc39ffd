import { existsSync } from "node:fs";
import { stackFile, stacksThereAre } from "./chosen.ts";

/** What to do about an engine's error that says little by itself; undefined for those that speak for themselves. */
export function adviceOn(said: string, stack: string, backend: string | undefined): string | undefined {
  if (said.includes("incorrect passphrase")) {
    return `The passphrase of stack ${stack} is another one. It is taken from PULUMI_CONFIG_PASSPHRASE, or from the file that \
PULUMI_CONFIG_PASSPHRASE_FILE names. If it is lost, docs/security.md (Keys) says what can be saved.`;
  }
  if (said.includes("passphrase must be set")) {
    return `Stack ${stack} needs its passphrase: put it into a file that only you can read, and name that file by \
PULUMI_CONFIG_PASSPHRASE_FILE.`;
  }
  if (said.includes("message authentication failed")) {
    return `An encrypted value in stacks/Pulumi.${stack}.yaml is damaged, or is from another stack. Take the file as it was \
from git, or give the site secret again from your copy: npm run bramble -- secret restore --stack ${stack}`;
  }
  if (said.includes("no stack named")) return existsSync(stackFile(stack)) ? noState(stack, backend) : noStack(stack);
  return undefined;
}

/** For a stack that nobody has made. */
export function noStack(stack: string): string {
  return `There is no stack ${stack}: stacks/Pulumi.${stack}.yaml does not exist. ${stacksThereAre()}
To make it, describe its site (npm run bramble -- init ${stack}) and run: npm run bramble -- secret new --stack ${stack}`;
}

function noState(stack: string, backend: string | undefined): string {
  return `Stack ${stack} has its file, but no state in ${backend === undefined ? "your backend" : withoutPassword(backend)}. If the state is kept elsewhere, name \
that place by PULUMI_BACKEND_URL. If it was lost, docs/operations.md (The state was lost) says how to go on.`;
}

/** The URL of a backend as it may stand in a log: databases take a password before the host, or as a parameter. */
function withoutPassword(backend: string): string {
  return backend
    .replace(/^([a-z0-9+.-]+:\/\/[^/?#:@]*):[^/?#]*@/i, "$1:***@")
    .replace(/([?&]password=)[^&#]*/gi, "$1***");
}
