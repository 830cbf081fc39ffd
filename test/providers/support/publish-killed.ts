// Publishes a tree and kills itself at the step that is asked for: the inputs and the outputs of before come as JSON on
// standard input, the number of the step is the argument. Local steps are calls of the file system, and one that writes
// a file is cut off in its middle; remote ones are what goes out over the connection at once, each before and in its
// middle. With a hold among them, it is noted and the version of before served again, as a rollout does. Prints "done" if it
// gets there.
import * as fs from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { argv, exit, pid, stdin, stdout } from "node:process";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";

const last = Number(argv[2]);
let steps = 0;

const die = () => process.kill(pid, "SIGKILL");
const { inputs, outs, hold } = JSON.parse(await text(stdin));
if (inputs.server.connect === "local") cutLocal();
else cutRemote();

const { create, update } = await import("../../../providers/tftp-tree/provider.ts");
const { holdBack } = await import("../../../providers/tftp-tree/hold.ts");
await (hold !== undefined ? holdBack(inputs, hold) : outs === undefined ? create(inputs) : update("", outs, inputs));
stdout.write("done\n", () => exit());

function cutLocal(): void {
  const real = { ...fs };
  const changing = [
    "mkdir",
    "writeFile",
    "copyFile",
    "link",
    "symlink",
    "rename",
    "unlink",
    "rm",
    "rmdir",
    "chmod",
  ] as const;
  const module = createRequire(import.meta.url)("node:fs/promises");
  for (const name of changing) {
    module[name] = async (...args: unknown[]) => {
      if (++steps !== last) return Reflect.apply(real[name], undefined, args);
      const [first, second] = args;
      if (name === "writeFile") await real.writeFile(String(first), halfOf(second));
      if (name === "copyFile") await real.writeFile(String(second), halfOf(await real.readFile(String(first))));
      die();
    };
  }
  syncBuiltinESMExports();
}

function cutRemote(): void {
  const write = Duplex.prototype.write;
  Duplex.prototype.write = function (this: Duplex, ...args: unknown[]) {
    // What ssh2 calls a channel: requests to the SFTP server, and scripts.
    if (this.constructor.name !== "Channel") return Reflect.apply(write, this, args);
    steps += 2;
    if (steps === last + 1) die();
    if (steps === last) return Reflect.apply(write, this, [halfOf(args[0]), die]);
    return Reflect.apply(write, this, args);
  } as typeof write;
}

function halfOf(content: unknown): Buffer {
  const bytes = Buffer.from(content as Uint8Array | string);
  return bytes.subarray(0, bytes.length / 2);
}
