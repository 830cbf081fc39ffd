import { isMet } from "./apk-dependency.ts";
import type { Candidate, Name, Need } from "./apk-graph.ts";

export interface Reached {
  /** What is to be installed, with what the world and the packages need for it. */
  readonly taken: readonly Candidate[];
  /** Names that are needed, and that nothing can be taken for. */
  readonly open: readonly Name[];
  /** Needs that what is taken does not meet. `by` undefined: of the world. */
  readonly unmet: readonly { readonly need: Need; readonly by: Candidate | undefined }[];
}

/**
 * What of all that a search decided is reached from the world, and whether it holds.
 * @param triggered packages that come by themselves, and what they come with
 */
export function reached(
  asked: readonly Need[],
  triggered: readonly Candidate[],
  companions: (candidate: Candidate) => readonly Need[],
): Reached {
  const taken = new Set<Candidate>();
  const open = new Set<Name>();
  const unmet: { readonly need: Need; readonly by: Candidate | undefined }[] = [];
  for (const need of asked) follow(need, undefined);
  let before: number;
  do {
    before = taken.size;
    for (const candidate of triggered) if (isChosen(candidate) && isAccompanied(candidate)) reach(candidate);
  } while (taken.size > before);
  return { taken: [...taken], open: [...open], unmet };

  function follow(need: Need, by: Candidate | undefined): void {
    const { dependency, name } = need;
    const provider = name.chosen === "none" ? undefined : name.chosen;
    const isOwn = dependency.isConflict && by !== undefined && provider?.candidate === by;
    if (!isOwn && !isMet(dependency, provider?.provision)) {
      if (provider === undefined) open.add(name);
      else unmet.push({ need, by });
    }
    if (!dependency.isConflict && provider !== undefined) reach(provider.candidate);
  }

  function reach(candidate: Candidate): void {
    if (taken.has(candidate)) return;
    taken.add(candidate);
    for (const need of candidate.depends) follow(need, candidate);
  }

  function isChosen(candidate: Candidate): boolean {
    const { chosen } = candidate.own;
    return chosen !== undefined && chosen !== "none" && chosen.candidate === candidate;
  }

  function isAccompanied(candidate: Candidate): boolean {
    return companions(candidate).every(({ dependency, name: { chosen } }) => {
      return dependency.isConflict || (chosen !== undefined && chosen !== "none" && taken.has(chosen.candidate));
    });
  }
}
