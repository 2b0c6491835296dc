/** Kubernetes' label selectors: all terms must hold; an empty selector matches everything. */
import type { LabelSelector } from '../core/pool-spec.ts';

export type Labels = Readonly<Record<string, string>>;

export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return equal && (selector.matchExpressions ?? []).every((term) => holds(term, labels[term.key]));
}

function holds(term: NonNullable<LabelSelector['matchExpressions']>[number], value: string | undefined): boolean {
  switch (term.operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
      return value !== undefined && (term.values ?? []).includes(value);
    case 'NotIn':
      return value === undefined || !(term.values ?? []).includes(value);
  }
}
