import { type RunResult, run } from "../../tools/lib/run.ts";
import { type PrivateMachine, startPrivateMachine } from "./private-machine.ts";

/**
 * A network that nothing else is on. Switch and stations are namespaces of one private machine, so they end with it, and
 * this machine never sees their cables. Stations share that machine's files; what is in /run ends with it too.
 */
export interface PrivateLan {
  /** Plugs in a machine. */
  plugIn(station: StationOptions): Promise<Station>;
  /** Writes a file that everybody may read, and the folders to it. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

export interface StationOptions {
  /** Up to 15 letters. */
  readonly name: string;
  /** With prefix length: `10.20.0.2/24`. Without one, it hears what is sent to its MAC, whatever IP address that has. */
  readonly address?: string;
  readonly mac?: string;
}

export interface Station {
  /** Runs a command on it and returns what it printed. */
  run(command: readonly string[]): Promise<string>;
  /** Calls a function that a module exports, with values that JSON can hold, and returns what it gives. */
  call(module: URL, name: string, ...values: readonly unknown[]): Promise<unknown>;
  /** Gives it an address, as `10.20.0.11/24`, after it had none. */
  settle(address: string): Promise<void>;
}

export async function startPrivateLan(): Promise<PrivateLan> {
  const machine = await startPrivateMachine({ name: "lan" });
  try {
    await onMachine(
      machine,
      `ip link add ${bridge} type bridge stp_state 0 forward_delay 0 && ip link set ${bridge} up`,
    );
  } catch (error) {
    await machine.stop();
    throw error;
  }
  return {
    plugIn: async (options) => {
      const { name, address = "", mac = "" } = options;
      await onMachine(machine, cable, [name, mac]);
      const inside = (command: readonly string[]) => machine.inside(["ip", "netns", "exec", name, ...command]);
      const onStation = async (command: readonly string[]) => (await run(inside(command))).stdout;
      await onStation(["sh", "-euc", address === "" ? withoutAddress : withAddress, "sh", address]);
      return {
        run: onStation,
        call: async (module, name, ...values) => {
          const words = [module.href, name, JSON.stringify(values)];
          const said = await onStation([process.execPath, "--input-type=module", "-e", callIt, ...words]);
          return JSON.parse(said);
        },
        settle: async (address) => {
          await onStation(["sh", "-euc", `${unlearn}${withAddress}`, "sh", address]);
        },
      };
    },
    write: async (path, content) => {
      await onMachine(machine, 'mkdir -p "$(dirname "$1")" && cat >"$1"', [path], content);
    },
    stop: () => machine.stop(),
  };
}

async function onMachine(
  machine: PrivateMachine,
  script: string,
  words: readonly string[] = [],
  input: string | Uint8Array = "",
): Promise<RunResult> {
  return await run(machine.inside(["sh", "-euc", script, "sh", ...words]), { input });
}

const bridge = "switch";

const cable = `name=$1 mac=$2
ip netns add "$name"
ip link add "$name" type veth peer name eth0 netns "$name"
[ -z "$mac" ] || ip -n "$name" link set eth0 address "$mac"
ip link set "$name" master ${bridge} up
ip -n "$name" link set lo up
ip -n "$name" link set eth0 up`;

const withAddress = 'ip address add "$1" dev eth0';

/**
 * Servers answer DHCP to an address that the client does not have yet. So all addresses are its own, but it answers no
 * question for them, and broadcasts go out.
 */
const withoutAddress = `settings=/proc/sys/net/ipv4/conf/eth0
echo 8 >$settings/arp_ignore
echo 1 >$settings/accept_local
ip route add broadcast 255.255.255.255 dev eth0 table local
ip route add local default dev eth0 table local
`;

const unlearn = `settings=/proc/sys/net/ipv4/conf/eth0
ip route delete local default dev eth0 table local
ip route delete broadcast 255.255.255.255 dev eth0 table local
echo 0 >$settings/accept_local
echo 0 >$settings/arp_ignore
`;

const callIt = `const [module, name, values] = process.argv.slice(1);
console.log(JSON.stringify(await (await import(module))[name](...JSON.parse(values))));`;
