#!/usr/bin/env node
// The `bramble` command. Plain JavaScript, so that a Node too old for .ts still gets a sentence and not a stack trace.
import { exit, stderr, versions } from "node:process";

const [major = 0, minor = 0] = versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  stderr.write(
    `bramble needs Node 22.18 or newer; this is Node ${versions.node}.\n` +
      "The project brings its own: run `npm ci` once, then `npm run bramble -- …` (npm scripts use it).\n",
  );
  exit(1);
}
const { main } = await import("./main.ts");
await main();
