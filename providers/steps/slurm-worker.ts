import { setTimeout as delay } from "node:timers/promises";
import type { Connection } from "../transport/connection.ts";
import { lostHosts } from "../transport/key-files.ts";
import { connect, type SshTarget, Unreachable } from "../transport/ssh.ts";
import { optional, required, requiredSeconds, requiredTarget } from "./environment.ts";
import { type GuestFile, onGuest } from "./guest-script.ts";
import { nodeArguments, nodeFiles } from "./slurm-node.ts";
import { hasGone } from "./vm-on-host.ts";

/** What the variable `places` holds, as JSON: the hosts that these VMs run on. */
export interface WorkerPlaces {
  readonly site: string;
  readonly worker: string;
  readonly controller: string;
}

/** How long a machine is waited for that should be up, in seconds. */
const reachPatience = 60;
/** The pause between two looks at the jobs of a worker that leaves, in milliseconds. */
const lookAgain = 2000;

/**
 * Makes a guest a worker of a Slurm cluster and waits until the controller lists it as fit for jobs. The worker
 * registers itself as a dynamic node (https://slurm.schedmd.com/dynamic_nodes.html), so that no other daemon is
 * restarted or even told.
 */
export async function addWorker(): Promise<string> {
  const guest = requiredTarget("guest");
  const controller = requiredTarget("controller");
  const connection = await connect(guest, required("sshKey"), { patience: reachPatience });
  try {
    return await onGuest(connection, {
      what: `adding the Slurm worker ${guest.name}`,
      files: files(controller.name),
      scripts: ["slurm-node", "slurm-worker-start"],
      args: [...nodeArguments("no"), guest.name, controller.name, required("group")],
    });
  } finally {
    connection.close();
  }
}

/**
 * Takes a worker out of its cluster: no new jobs, wait for those that run, stop its daemon, forget it. When the time
 * is up, or the step is interrupted, the worker is put back to work and the step fails, so that nothing is deleted.
 */
export async function removeWorker(interrupted: AbortSignal): Promise<string> {
  const guest = requiredTarget("guest");
  const key = required("sshKey");
  if (await hasGone(key)) return `${guest.name} has left the cluster, and its VM is gone`;
  const { site, worker, controller }: Partial<WorkerPlaces> = JSON.parse(optional("places") ?? "{}");
  const lost = site === undefined ? {} : await lostHosts(site);
  if (controller !== undefined && controller in lost)
    return `${guest.name}'s controller ran on ${controller}, which is lost: there is nobody to drain it, and its jobs go on`;
  const connection = await connect(requiredTarget("controller"), key, { patience: reachPatience }).catch((error) => {
    if (!(error instanceof Unreachable) || controller === undefined) throw error;
    throw new Error(
      `${error.message}\nNobody else knows whether ${guest.name} runs jobs, so it is kept. Look after ${controller}, on which that ` +
        "VM runs. It may still run, so it is made nowhere else: if that host never will again, say so at its board in the " +
        "site file (lost: WHY).",
    );
  });
  try {
    const isLost = worker !== undefined && worker in lost;
    await drain(connection, guest.name, isLost, requiredSeconds("patience"), interrupted);
    if (!isLost) await stopDaemon(guest, key);
    await leave(connection, guest.name, "forget");
    return `${guest.name} is drained and has left the cluster`;
  } finally {
    connection.close();
  }
}

function leave(
  connection: Connection,
  worker: string,
  step: "drain" | "lost" | "jobs" | "resume" | "forget",
): Promise<string> {
  return onGuest(connection, {
    what: `taking ${worker} out of Slurm (${step})`,
    scripts: ["slurm-leave"],
    args: [worker, step],
  });
}

async function drain(
  connection: Connection,
  worker: string,
  isLost: boolean,
  patience: number,
  interrupted: AbortSignal,
): Promise<void> {
  const end = Date.now() + patience * 1000;
  // Of one that is lost, Slurm would first wait for a sign, and only then give its jobs to others.
  await leave(connection, worker, isLost ? "lost" : "drain");
  for (let said = ""; ; ) {
    const jobs = await leave(connection, worker, "jobs");
    if (jobs === "") return;
    if (interrupted.aborted || Date.now() > end) {
      await leave(connection, worker, "resume");
      throw new Error(
        interrupted.aborted
          ? `interrupted while ${worker} was drained; it takes jobs again and was not removed`
          : `${worker} still runs jobs after ${patience} s (drain.timeout), so it takes jobs again and was not removed:\n${jobs}\n` +
              "Wait for them or end them with scancel, then run `up` again. For a longer wait, put the worker back into the site file, " +
              "raise drain.timeout of its cluster, run `up`, and only then take it out.",
      );
    }
    if (jobs !== said) console.log(`${worker} takes no more jobs; it still runs\n${jobs}`);
    said = jobs;
    await delay(lookAgain, undefined, { signal: interrupted }).catch((error: Error) => {
      if (error.name !== "AbortError") throw error;
    });
  }
}

/** A drained worker that can't be reached runs no jobs; its record goes without it. */
async function stopDaemon(guest: SshTarget, key: string): Promise<void> {
  try {
    const connection = await connect(guest, key, { patience: reachPatience });
    await onGuest(connection, { what: `stopping slurmd on ${guest.name}`, scripts: ["slurm-worker-stop"] });
    connection.close();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.log(`${error.message}\nIt is taken out of Slurm all the same: it runs no jobs.`);
  }
}

function files(controller: string): GuestFile[] {
  return [
    ...nodeFiles(),
    {
      path: "/etc/systemd/system/home.mount",
      content: `[Unit]
Description=Homes, from the controller
[Mount]
What=${controller}:/srv/data/home
Where=/home
Type=nfs4
Options=rw,hard
TimeoutSec=30
`,
    },
    {
      path: "/etc/systemd/system/home.automount",
      content:
        "[Unit]\nDescription=Homes, from the controller\n[Automount]\nWhere=/home\n[Install]\nWantedBy=multi-user.target\n",
    },
    {
      // Users log in on the controller; here they would work beside their jobs, which Slurm does not count.
      path: "/etc/ssh/sshd_config.d/10-bramble-worker.conf",
      content: "AllowUsers root\n",
    },
    {
      // slurmd gives up when the controller does not answer at boot; systemd does not.
      path: "/etc/systemd/system/slurmd.service.d/bramble.conf",
      content: "[Unit]\nWants=home.automount\nAfter=home.automount\n[Service]\nRestart=on-failure\nRestartSec=5\n",
    },
  ];
}
