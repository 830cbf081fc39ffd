// Prints the package.json of a generated SDK as it is committed here: with the entry point that the
// generator leaves out, without the scripts and tools that only compiling it needs.
import { readFileSync } from "node:fs";

const { scripts, devDependencies, ...kept } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const manifest = { ...kept, private: true, main: "bin/index.js", types: "bin/index.d.ts" };
process.stdout.write(`${JSON.stringify(manifest, null, 2)}\n`);
