// A remote step of the stack: `node providers/steps/main.ts STEP apply|remove`. Run by local.Command, so the state
// refers to this path and these words for as long as a stack lives: keep them.
import { argv, exit, ppid, stderr } from "node:process";
import { boardReady } from "./board-ready.ts";
import { configureBootServer, removeBootServer } from "./boot-server.ts";
import { guestReady } from "./guest-ready.ts";
import { mountStorage, unmountStorage } from "./host-storage.ts";
import { bringBundle } from "./k3s-bundle.ts";
import { removeNode } from "./k3s-leave.ts";
import { applyManifests, removeManifests } from "./k3s-manifests.ts";
import { addNode } from "./k3s-node.ts";
import { exportPodStorage, withdrawPodStorage } from "./k3s-storage.ts";
import { configureNfsServer, removeNfsServer } from "./nfs-server.ts";
import { configureController } from "./slurm-controller.ts";
import { addWorker, removeWorker } from "./slurm-worker.ts";

const steps = new Map<string, (signal: AbortSignal) => Promise<string>>([
  ["guest-ready apply", guestReady],
  ["slurm-controller apply", configureController],
  ["slurm-worker apply", addWorker],
  ["slurm-worker remove", removeWorker],
  ["k3s-bundle apply", bringBundle],
  ["k3s-node apply", addNode],
  ["k3s-node remove", removeNode],
  ["k3s-manifests apply", applyManifests],
  ["k3s-manifests remove", removeManifests],
  ["k3s-storage apply", exportPodStorage],
  ["k3s-storage remove", withdrawPodStorage],
  ["board-ready apply", boardReady],
  ["nfs-server apply", configureNfsServer],
  ["nfs-server remove", removeNfsServer],
  ["host-storage apply", mountStorage],
  ["host-storage remove", unmountStorage],
  ["boot-server apply", configureBootServer],
  ["boot-server remove", removeBootServer],
]);

const step = steps.get(argv.slice(2).join(" "));
if (step === undefined) {
  stderr.write(`usage: node providers/steps/main.ts STEP, where STEP is one of: ${[...steps.keys()].join(", ")}\n`);
  exit(2);
}

const interruption = new AbortController();
// What is applied can be applied again from anywhere; only who is leaving a cluster has something to put back first.
if (step !== removeWorker && step !== removeNode) {
  interruption.signal.addEventListener("abort", () => {
    stderr.write("interrupted\n");
    exit(130);
  });
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interruption.abort());
// An engine that was killed can't tell us; a step that nobody waits for must not go on changing things.
const parent = ppid;
setInterval(() => {
  if (process.ppid !== parent) interruption.abort();
}, 500).unref();

try {
  console.log(await step(interruption.signal));
  exit(0);
} catch (error) {
  stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  exit(1);
}
