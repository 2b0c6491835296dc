/** What a command is: data for the parser, the help, the shells' completion, and a function. */
import type { Backend } from '../client/backend.ts';
import type { Printer } from './printer.ts';
import type { Values } from './values.ts';
import type { World } from './world.ts';

/** What a shell may offer in this place. */
export type Completes = 'pool' | 'subinstance' | 'address' | 'file' | 'resource';

export interface OptionSpec {
  readonly name: string;
  readonly alias?: string;
  readonly describe: string;
  /** The word that stands for the value in the help; without it the option is a flag. */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly many?: boolean;
  readonly required?: boolean;
  readonly completes?: Completes;
}

export interface PositionalSpec {
  readonly name: string;
  readonly describe: string;
  readonly many?: boolean;
  readonly optional?: boolean;
  readonly choices?: readonly string[];
  readonly completes?: Completes;
}

export interface Context {
  readonly world: World;
  readonly values: Values;
  readonly printer: Printer;
  /** Opened at the first use: what needs no controller touches none. */
  readonly client: () => Backend;
  /** The same with another patience than --timeout: a shell's completion waits for nothing. */
  readonly controller: { readonly text: string; readonly from: '--controller' | 'BERTH_CONTROLLER' | 'default' | 'kubeconfig' };
}

export interface Command {
  /** ["pool", "list"] */
  readonly path: readonly string[];
  readonly summary: string;
  /** Further sentences for the help. */
  readonly details?: string;
  readonly positionals?: readonly PositionalSpec[];
  readonly options?: readonly OptionSpec[];
  /** [arguments after "berthctl", what it does] */
  readonly examples: readonly (readonly [string, string])[];
  /** Returns the exit code. */
  readonly run: (context: Context) => Promise<number>;
}

export interface CommandGroup {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
}
