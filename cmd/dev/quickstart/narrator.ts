/** Tells a newcomer what happens: a numbered heading for each step, each command as it is run, its output indented. */
import { delimiter } from 'node:path';
import { styleText } from 'node:util';
import type { ExecuteOptions, Finished } from '../execute.ts';
import { execute } from '../execute.ts';

export interface ShownCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Shown in front of the command, and set for it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Given to stdin; shown as `< file`. */
  readonly inputFile?: string;
  readonly input?: string;
  /** Shown with an ampersand. */
  readonly background?: boolean;
}

export class Narrator {
  /** Long texts and the short names that are printed instead: "/tmp/berth-quickstart-…" → "$D". */
  readonly #short: [text: string, name: string][] = [];
  #steps = 0;
  #stopped = false;
  #current: Promise<unknown> = Promise.resolve();

  step(title: string): void {
    console.log(`\n${styleText(['bold', 'cyan'], `${++this.#steps}. ${title}`)}`);
  }

  say(text: string): void {
    console.log(text);
  }

  shorten(text: string, name: string): void {
    this.#short.push([text, name]);
    this.say(styleText('dim', `${name} is ${text}`));
  }

  /** Prints a command as a shell would take it, on several lines where it is long. */
  show({ command, args, env = {}, inputFile, background = false }: ShownCommand): void {
    const words = [...Object.entries(env).map(([name, value]) => `${name}=${quote(value)}`), ...[command, ...args].map(quote)];
    if (inputFile !== undefined) words.push('<', inputFile);
    if (background) words.push('&');
    console.log(styleText('green', wrap(`$ ${this.#shortened(words.join(' '))}`, 120)));
  }

  /** Shows and runs a command. Output is printed unless `quiet`; a failure ends the quickstart. */
  async run(shown: ShownCommand, { quiet = false, by = execute }: { quiet?: boolean; by?: Execute } = {}): Promise<string> {
    this.show(shown);
    const { code, stdout, stderr } = await this.#execute(shown, by);
    const output = `${stdout}${stderr}`.trimEnd();
    if (!quiet || code !== 0) this.print(output);
    if (code !== 0) throw new Error(`the command above failed (exit code ${code})`);
    return stdout;
  }

  print(output: string): void {
    if (output !== '') console.log(this.#shortened(output).replace(/^/gm, '  '));
  }

  /** Lets the command under way end, and starts no other. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#current.catch(() => {});
  }

  async #execute(shown: ShownCommand, by: Execute): Promise<Finished> {
    if (this.#stopped) await new Promise(() => {}); // the process is about to end
    const options: ExecuteOptions = { env: { ...process.env, ...shown.env }, input: shown.input ?? '' };
    const running = by(shown.command, shown.args, options);
    this.#current = running;
    return running;
  }

  #shortened(text: string): string {
    return this.#short.reduce((shorter, [long, name]) => shorter.replaceAll(long, name), text);
  }
}

type Execute = (command: string, args: readonly string[], options: ExecuteOptions) => Promise<Finished>;

/** Breaks between words, as a shell allows: a backslash at the end of the line. */
function wrap(text: string, width: number): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line !== '' && line.length + word.length > width) lines.push(`    ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(' \\\n');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

export const path = (...folders: string[]): string => folders.join(delimiter);
