/** Label and field selectors, as far as anybody here asks for them. */
import type { KubernetesObject } from '../../../src/kubernetes/objects.ts';

export type Filter = (object: KubernetesObject) => boolean;

export function selectorFilter(labelSelector: string | null, fieldSelector: string | null): Filter {
  const tests = [...terms(labelSelector).map(labelTest), ...terms(fieldSelector).map(fieldTest)];
  return (object) => tests.every((test) => test(object));
}

/** Commas separate, but not those of "in (a,b)". */
const terms = (selector: string | null): string[] => (selector === null || selector === '' ? [] : selector.split(/,(?![^(]*\))/));

function labelTest(term: string): Filter {
  const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(term);
  if (set) {
    const values = set[3]!.split(',').map((value) => value.trim());
    return ({ metadata }) => values.includes(metadata.labels?.[set[1]!] ?? '\0') === (set[2] === 'in');
  }
  const equal = /^\s*([^!=\s]+)\s*(!=|==?)\s*(\S*)\s*$/.exec(term);
  if (equal) return ({ metadata }) => (metadata.labels?.[equal[1]!] === equal[3]) === (equal[2] !== '!=');
  const exists = /^\s*(!?)(\S+)\s*$/.exec(term);
  if (!exists) throw new Error(`cannot read the label selector ${term}`);
  return ({ metadata }) => (metadata.labels?.[exists[2]!] !== undefined) === (exists[1] === '');
}

function fieldTest(term: string): Filter {
  const equal = /^([^!=]+)(!=|==?)(.*)$/.exec(term);
  if (!equal) throw new Error(`cannot read the field selector ${term}`);
  const path = equal[1]!.split('.');
  return (object) => {
    const value = path.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], object);
    return (String(value ?? '') === equal[3]) === (equal[2] !== '!=');
  };
}
