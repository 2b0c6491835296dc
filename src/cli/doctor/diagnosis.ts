/** One line of `doctor`: what was looked at, how it is, and what to do about it. */
export interface Diagnosis {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly subject: string;
  readonly detail: string;
  readonly advice?: string;
}

export const ok = (subject: string, detail: string): Diagnosis => ({ level: 'ok', subject, detail });
export const warning = (subject: string, detail: string, advice: string): Diagnosis => ({ level: 'warning', subject, detail, advice });
export const problem = (subject: string, detail: string, advice: string): Diagnosis => ({ level: 'problem', subject, detail, advice });

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);
