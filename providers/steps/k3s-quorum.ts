import type { NodeSeen } from "./k3s-look.ts";

/**
 * Why a server must not leave now, with the numbers; undefined where it may. etcd answers as long as more than half of
 * its members do, both while one leaves and after that (https://etcd.io/docs/v3.5/faq/, "What is failure tolerance?").
 */
export function quorumProblem(nodes: readonly NodeSeen[], leaving: string, cluster: string): string | undefined {
  const members = nodes.filter(({ member, left }) => member && !left);
  const others = members.filter(({ name }) => name !== leaving);
  const isUp = ({ ready, voter }: NodeSeen) => ready && voter;
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

/** The least number that is more than half. */
function most(members: number): number {
  return Math.floor(members / 2) + 1;
}
