#!/usr/bin/env node
// The `bramble` command. Plain JavaScript, so that the check of Node's version comes before the first .ts file.
import "../node-version.cjs";

const { main } = await import("./main.ts");
await main();
