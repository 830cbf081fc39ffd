import type { NodeSeen } from "./k3s-look.ts";

/**
 * Why a server must not leave now, with the numbers; undefined where it may. etcd answers as long as more than half of
 * its members do, both while one leaves and after that (https://etcd.io/docs/v3.5/faq/, "What is failure tolerance?").
 */
export function quorumProblem(nodes: readonly NodeSeen[], leaving: string, cluster: string): string | undefined {
  const members = membersOf(nodes);
  const others = members.filter(({ name }) => name !== leaving);
  const upNow = members.filter(isUp).length;
  const upThen = others.filter(isUp).length;
  if (upNow >= most(members.length) && upThen >= most(others.length)) return undefined;
  const down = others.filter((node) => !isUp(node)).map(({ name }) => name);
  return (
    `${cluster} would lose its quorum if ${leaving} left now: of ${members.length} servers ${upNow} ${upNow === 1 ? "is" : "are"} up, ` +
    `then ${upThen} of ${others.length} would be, and it takes ${most(others.length)}. ` +
    `${down.length > 0 ? `Bring ${down.join(" and ")} up again first` : "Add another server first"}. Nothing was changed.`
  );
}

/**
 * Why a server must not be away now. It stays a member meanwhile, so most of all members have to be up without it
 * (https://etcd.io/docs/v3.5/faq/, "What is failure tolerance?"). A server alone has no others to ask.
 */
export function quorumObjection(nodes: readonly NodeSeen[], server: string, cluster: string): string | undefined {
  const members = membersOf(nodes);
  if (members.length < 2 || !members.some(({ name }) => name === server)) return undefined;
  const up = members.filter((node) => node.name !== server && isUp(node)).length;
  const needed = most(members.length);
  if (up >= needed) return undefined;
  return (
    `${cluster} would lose its quorum while ${server} is away: ${up} of its ${members.length} servers would be up, and it ` +
    `takes ${needed}. Bring the others up first`
  );
}

/** Whether it is a member of etcd, and has not been let go. */
export function isMember({ member, left }: NodeSeen): boolean {
  return member && !left;
}

export function membersOf(nodes: readonly NodeSeen[]): NodeSeen[] {
  return nodes.filter(isMember);
}

function isUp({ ready, voter }: NodeSeen): boolean {
  return ready && voter;
}

/** The least number that is more than half. */
function most(members: number): number {
  return Math.floor(members / 2) + 1;
}
