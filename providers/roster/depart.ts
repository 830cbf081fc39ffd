import { spawn } from "node:child_process";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Variable, variables } from "../steps/environment.ts";
import { isOnLostHost, isThere, removeVm } from "../steps/vm-on-host.ts";
import type { Departure, LeavingStep } from "./inputs.ts";

/**
 * Takes a VM out of its cluster and off its host. One that has gone already, as after an `up` that was interrupted, is
 * asked for nothing; so is one on a host that never will run again, which the engine deletes without asking.
 * @throws Error with what the step said, when it does not leave; it is then as it was.
 */
export async function depart({ name, vm, leave }: Departure, key: string): Promise<void> {
  if (await isOnLostHost(vm)) {
    if (leave !== undefined) await undo(leave, key);
    return;
  }
  if (!(await isThere(vm, key))) return;
  if (leave !== undefined) await undo(leave, key);
  await removeVm(vm, key);
  console.log(`${name} is gone from ${vm.host}`);
}

/**
 * In a process of its own, as the engine runs it when it deletes the step: signals reach it there, and it ends by itself
 * when this process does.
 */
function undo({ step, show }: LeavingStep, key: string): Promise<void> {
  const project = fileURLToPath(new URL("../..", import.meta.url));
  const told = Object.entries({ ...show, sshKey: key }) as [Variable, string][];
  const env = { ...process.env, ...Object.fromEntries(told.map(([name, value]) => [variables[name], value])) };
  const child = spawn(execPath, ["--require=./node-version.cjs", "providers/steps/main.ts", step, "remove"], {
    cwd: project,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => console.log(line));
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      code === 0 ? resolve() : reject(new Error(said.trim() || `${step} remove ended with ${signal ?? code}`)),
    );
  });
}
