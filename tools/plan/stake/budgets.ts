/** A PodDisruptionBudget, as the API has it (policy/v1). */
export interface Budget {
  readonly namespace: string;
  readonly name: string;
  /** How many of its pods may go now. */
  readonly allowed: number;
  /** Null: of no pod. */
  readonly selector: LabelSelector | null;
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors */
interface LabelSelector {
  readonly matchLabels?: Labels | null | undefined;
  readonly matchExpressions?: readonly Expression[] | null | undefined;
}

type Labels = Readonly<Record<string, string>>;

interface Expression {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[] | null | undefined;
}

/** The names of the budgets that let a pod not go now: a drain waits until they do. */
export function budgetsHolding(
  pod: { readonly namespace: string; readonly labels: Labels },
  budgets: readonly Budget[],
): string[] {
  return budgets
    .filter(({ namespace, allowed }) => namespace === pod.namespace && allowed < 1)
    .filter(({ selector }) => selector !== null && selects(selector, pod.labels))
    .map(({ name }) => name);
}

function selects({ matchLabels, matchExpressions }: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (matchExpressions ?? []).every((expression) => holds(expression, labels))
  );
}

/** A label that is not there is in no list. */
function holds({ key, operator, values }: Expression, labels: Labels): boolean {
  const value = labels[key];
  const listed = value !== undefined && (values ?? []).includes(value);
  switch (operator) {
    case "In":
      return listed;
    case "NotIn":
      return !listed;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      throw new Error(`a disruption budget selects its pods by ${JSON.stringify(operator)}, which is not known here`);
  }
}
