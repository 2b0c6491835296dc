/** The points at which a crash test ends the process: first those of a start, then those of each commit. */
export type Step =
  | 'made'
  | 'logged'
  | 'migrating'
  | 'opened'
  | 'started'
  | 'submitted'
  | 'begun'
  | 'applied'
  | 'before-commit'
  | 'committed'
  | 'delivered'
  | 'answered';

export type OnStep = (step: Step) => void;
