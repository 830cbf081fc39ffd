import type { Site, Vm } from "../../site/model.ts";
import { type Reply, withoutSubject } from "./ask.ts";
import { isoTime, type State, type VmStatus } from "./model.ts";
import { type GuestFacts, guestFacts, type MachineFacts } from "./said.ts";

/** What was found out about a VM. */
export interface VmFound {
  /** The name of the image that it is to run. */
  readonly planned: string;
  readonly reply: Reply;
  /** What its host said; missing where that can't be asked. */
  readonly host?: MachineFacts;
  /** What its cluster says of it. */
  readonly node?: string;
}

/** How clusters say that a node does not work: Slurm's sinfo(1), where a star is "does not respond", and k3s. */
const missed = /down|fail|unknown|notready|\*$/i;

/** A VM of the site as it was found. @param now by the clock of who asks, in seconds since 1970 */
export function vmStatus(site: Site, vm: Vm, found: VmFound, now: number): VmStatus {
  const { planned, reply, host, node } = found;
  const facts = reply.kind === "said" ? guestFacts(reply.text) : undefined;
  const domain = host?.domains === undefined ? undefined : (host.domains.get(`${site.name}-${vm.name}`) ?? "missing");
  return {
    name: vm.name,
    address: vm.address,
    ...judged(vm, found, facts, domain),
    ...(facts?.upSeconds === undefined ? {} : { upSince: isoTime(now - facts.upSeconds) }),
    host: vm.host,
    cluster: vm.cluster,
    role: vm.role,
    planned,
    ...(facts?.image === undefined ? {} : { runs: facts.image }),
    ...(domain === undefined ? {} : { domain }),
    ...(node === undefined ? {} : { node }),
  };
}

function judged(
  { name, host }: Vm,
  { planned, reply, node }: VmFound,
  facts: GuestFacts | undefined,
  domain: string | undefined,
): { state: State; words: string } {
  if (facts === undefined)
    return { state: reply.kind === "silent" ? "off" : "degraded", words: absent(reply, host, domain) };
  const problems = [
    ...(facts.name === name ? [] : [`it calls itself ${facts.name ?? "nothing"}: another machine has its address`]),
    ...(facts.image === undefined ? ["it says nothing of its image"] : []),
    ...(facts.problem === undefined ? [] : [facts.problem]),
    ...(domain === undefined || domain === "running" ? [] : [`it answers, and libvirt on ${host} says: ${domain}`]),
    ...(node !== undefined && missed.test(node) ? [`its cluster says: ${node}`] : []),
  ];
  if (problems.length > 0) return { state: "degraded", words: withoutSubject(problems.join("; ")) };
  if (facts.image === planned) return { state: "current", words: "" };
  return { state: "behind", words: `\`up\` pending: it runs ${facts.image}, and is to run ${planned}` };
}

/** Why nothing is heard of it, with what its host knows. */
function absent(reply: Reply, host: string, domain: string | undefined): string {
  if (domain === "missing") return `there is no such VM on ${host}: \`up\` makes it`;
  if (reply.kind === "strange") return withoutSubject(reply.why);
  if (domain === undefined) return `nobody answers, and ${host} can't be asked about it`;
  if (domain === "running") return `libvirt on ${host} says running, and nobody answers: it boots, or hangs`;
  return `libvirt on ${host} says: ${domain}`;
}
