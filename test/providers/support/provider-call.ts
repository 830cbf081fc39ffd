// Calls a function of the TftpTree provider in a process of its own, as the engine does with each run: the function's
// name is the argument, its arguments come as JSON on standard input, and its result goes to standard output.
import { argv, exit, stdin, stdout } from "node:process";
import { text } from "node:stream/consumers";
import * as provider from "../../../providers/tftp-tree/provider.ts";

const call = Reflect.get(provider, argv[2] ?? "");
if (typeof call !== "function") throw new Error(`the provider has no ${argv[2]}`);
const result = await call(...JSON.parse(await text(stdin)));
stdout.write(JSON.stringify(result ?? null), () => exit());
