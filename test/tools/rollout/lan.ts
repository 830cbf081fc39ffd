import { sshKeyPair } from "../../../formats/ssh-key.ts";
import type { TftpTreeOutputs } from "../../../providers/tftp-tree/inputs.ts";
import { machineFolder, plugInMachine } from "../../doubles/lan-machine.ts";
import { type Station, startPrivateLan } from "../../doubles/private-lan.ts";
import { keys, type RolledOut, tftpRoot, towerKey } from "./site-on-lan.ts";

const module = new URL("site-on-lan.ts", import.meta.url);

/**
 * A site on a network of its own, with real sshds in the places of its boot server, two boards, and the VM of a Slurm
 * controller. What a board's programs say and do is what its files say: it "restarts" into what the boot server has for it.
 */
export interface RolloutLan {
  /** Publishes for both boards, as `up` does. @returns the generation */
  publish(line: string): Promise<string>;
  /** Whether `up` would publish for a board again, if nothing has changed in the site file since. */
  upFindsSomething(board: string, line: string): Promise<boolean>;
  dryRun(wishes?: object): Promise<string>;
  rollOut(wishes?: object, stopAfter?: string): Promise<RolledOut>;
  release(board: string): Promise<string>;
  /** The generation that a board finds, and what a rollout noted of it. */
  served(board: string): Promise<string>;
  note(board: string): Promise<{ readonly kind: string; readonly [key: string]: unknown } | undefined>;
  /** The generation that a board runs. */
  runs(board: string): Promise<string>;
  /** Switches a board off and on. */
  restart(board: string): Promise<void>;
  /** Lets a version report a problem on a board, as soon as that runs it. */
  isBad(board: string, generation: string, problem: string): Promise<void>;
  /** What is in a file below a machine's folder; nothing if there is none. */
  read(machine: string, file: string): Promise<string>;
  write(machine: string, file: string, text: string): Promise<void>;
  /** Runs a command on a machine. */
  run(machine: "tower" | "admin", command: string): Promise<string>;
  stop(): Promise<void>;
}

export async function startRolloutLan(): Promise<RolloutLan> {
  const lan = await startPrivateLan();
  try {
    const machine = async (name: string, address: string, hostKey: string, programs: Record<string, string>) => {
      const folder = machineFolder(name);
      await lan.write(`${folder}/bramble/empty`, "");
      await lan.write("/run/bramble/empty", "");
      for (const [program, text] of Object.entries(programs)) await lan.write(`${folder}/bin/${program}`, text);
      // Its own /run/bramble and programs, for its sessions alone.
      const own = `mount --bind ${folder}/bramble /run/bramble && PATH=${folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"`;
      const hasPrograms = Object.keys(programs).length > 0;
      const station = await plugInMachine(lan, {
        ...{ name, address, hostKey },
        authorizedKey: sshKeyPair(keys.deployKey()).publicKey,
        settings: [
          "Subsystem sftp internal-sftp",
          ...(hasPrograms ? [`ForceCommand unshare --mount sh -c '${own}'`] : []),
        ],
      });
      if (hasPrograms) await station.run(["chmod", "-R", "+x", `${folder}/bin`]);
      return station;
    };
    const derived = (name: string) => sshKeyPair(keys.sshHostKey(name)).privateKey;
    const tower = await machine("tower", "10.20.0.5", towerKey.privateKey, {});
    await machine("pi1", "10.20.0.11", derived("pi1"), boardPrograms("pi1"));
    await machine("pi2", "10.20.0.12", derived("pi2"), boardPrograms("pi2"));
    await machine("controller", "10.20.0.100", derived("physics-controller"), controllerPrograms);
    const admin = await lan.plugIn({ name: "admin", address: "10.20.0.2/24" });
    for (const [host, vms] of [
      ["pi1", ["controller", "a1"]],
      ["pi2", ["b1"]],
    ] as const) {
      for (const vm of vms) await lan.write(`${machineFolder(host)}/domains/home-physics-${vm}`, "running\n");
    }
    for (const node of ["physics-a1", "physics-b1"]) await lan.write(`${controller}/nodes/${node}`, "idle none\n");
    return { ...callsOf(admin, tower, lan.write), stop: () => lan.stop() };
  } catch (error) {
    await lan.stop();
    throw error;
  }
}

function callsOf(
  admin: Station,
  tower: Station,
  write: (path: string, text: string) => Promise<void>,
): Omit<RolloutLan, "stop"> {
  const outs = new Map<string, TftpTreeOutputs>();
  const read = (machine: string, file: string) =>
    admin.run(["sh", "-c", 'cat "$1" 2>/dev/null || true', "sh", `${machineFolder(machine)}/${file}`]);
  const publishOne = async (board: string, line: string) => {
    const before = outs.get(board);
    const published = await admin.call(module, "publish", board, line, ...(before === undefined ? [] : [before]));
    const {
      generation,
      outs: now,
      changes,
    } = published as { generation: string; outs: TftpTreeOutputs; changes: boolean };
    outs.set(board, now);
    return { generation, changes };
  };
  return {
    publish: async (line) => {
      const [one] = await Promise.all(["pi1", "pi2"].map((board) => publishOne(board, line)));
      return one?.generation ?? "";
    },
    upFindsSomething: async (board, line) => (await publishOne(board, line)).changes,
    dryRun: async (wishes = {}) => String(await admin.call(module, "dryRun", wishes)),
    rollOut: async (wishes = {}, stopAfter) =>
      (await admin.call(module, "rollOut", wishes, ...(stopAfter === undefined ? [] : [stopAfter]))) as RolledOut,
    release: async (board) => String(await admin.call(module, "releaseOn", board)),
    served: async (board) => {
      const config = await tower.run(["cat", `${tftpRoot}/${board}/config.txt`]);
      return /os_prefix=(\w+)/.exec(config)?.[1] ?? "";
    },
    note: async (board) => {
      const text = await read("tower", `tftp/.bramble/rollouts/${board}.json`);
      return text === "" ? undefined : JSON.parse(text);
    },
    runs: async (board) => JSON.parse(await read(board, "bramble/report.json")).generation,
    restart: async (board) => {
      const script = 'mount --bind "$1/bramble" /run/bramble && exec "$1/bin/reboot"';
      await admin.run(["unshare", "--mount", "sh", "-c", script, "sh", `${machineFolder(board)}`]);
    },
    isBad: (board, generation, problem) => write(`${machineFolder(board)}/bad/${generation}`, problem),
    read,
    write: (machine, file, text) => write(`${machineFolder(machine)}/${file}`, text),
    run: (machine, command) => (machine === "tower" ? tower : admin).run(["sh", "-c", command]),
  };
}

/** Programs of a board: libvirt's, and what restarts it into what it finds on the boot server. */
function boardPrograms(name: string): Record<string, string> {
  const folder = `${machineFolder(name)}`;
  return {
    virsh: `#!/bin/sh
while [ "\${1#-}" != "$1" ]; do [ "$1" = -c ] && shift; shift; done
echo "$*" >>${folder}/asked
case $1 in
list) number=0; for file in ${folder}/domains/*; do number=$((number + 1)); echo " $number   \${file##*/}   $(cat "$file")"; done ;;
shutdown) [ -e ${folder}/deaf ] || echo "shut off" >${folder}/domains/$2 ;;
start) echo running >${folder}/domains/$2 ;;
esac
`,
    reboot: `#!/bin/sh
echo $$ >>${folder}/reboots
rm -f /run/bramble/report.json
tree=${tftpRoot}/${name}
generation=$(sed -n 's|^os_prefix=\\(.*\\)/|\\1|p' $tree/config.txt)
image=$(sed -n 's/.*bramble.image=\\([0-9a-f]*\\).*/\\1/p' $tree/$generation/cmdline.txt)
problems=
[ ! -e ${folder}/bad/$generation ] || problems="\\"$(cat ${folder}/bad/$generation)\\""
for file in ${folder}/domains/*; do echo running >$file; done
cat >/run/bramble/report.new <<END
{"format":1,"board":"${name}","serial":null,"generation":"$generation","overlay":"$image","versions":{"kernel":"6.18.35","os":"Alpine Linux 3.24.4"},"bootloader":null,"problems":[$problems],"bootId":"$(cat /proc/sys/kernel/random/uuid)","writtenAt":"$(date -u +%Y-%m-%dT%H:%M:%SZ)"}
END
mv /run/bramble/report.new /run/bramble/report.json
`,
  };
}

const controller = machineFolder("controller");

/** Programs of a Slurm controller: a file for each node with its state and why, and one with the jobs on it. */
const controllerPrograms: Record<string, string> = {
  scontrol: `#!/bin/sh
[ "$1" != ping ] || { echo "Slurmctld(primary) at physics-controller is UP"; exit; }
for word; do
  case $word in
  nodename=*) node=\${word#*=} ;;
  state=*) state=\${word#*=} ;;
  reason=*) why=\${word#*=} ;;
  esac
done
case $state in resume) line="idle none" ;; drain) line="drained $why" ;; esac
echo "$line" >${controller}/nodes/$node
echo "$node $line" >>${controller}/told
`,
  sinfo: `#!/bin/sh
for file in ${controller}/nodes/*; do echo "\${file##*/} $(cat "$file")"; done
`,
  squeue: `#!/bin/sh
cat ${controller}/jobs/$3 2>/dev/null || true
`,
};
