/** From arguments to one command with its values, or a help text, or a UsageError. The only file that knows yargs. */
import yargs, { type Argv } from 'yargs';
import type { Command, OptionSpec } from './command.ts';
import { COMMANDS, GROUPS } from './commands/index.ts';
import { GLOBAL_OPTIONS } from './options.ts';
import { UsageError, didYouMean } from './usage.ts';
import { readValues, type Values } from './values.ts';

export type Parsed =
  { readonly kind: 'command'; readonly command: Command; readonly values: Values } | { readonly kind: 'help'; readonly text: string };

const WIDEST_HELP = 110;

export async function parseArguments(words: readonly string[], columns: number): Promise<Parsed> {
  const argv = readHabits(words);
  let chosen: { command: Command; parsed: Record<string, unknown> } | undefined;
  let complaint: { message: string; error: Error | undefined } | undefined;
  const parser = yargs()
    .scriptName('berthctl')
    .usage('berthctl: who holds which address, and why.\n\nUsage: $0 COMMAND')
    .locale('en')
    .exitProcess(false)
    .showHelpOnFail(false)
    .version(false)
    .help('help')
    .alias('help', 'h')
    .describe('help', 'explain the command')
    .wrap(Math.min(WIDEST_HELP, columns))
    // Text stays text: a subid 007 is not the number 7, a tag a.b is no tree.
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'boolean-negation': false,
      'camel-case-expansion': false,
      'greedy-arrays': false,
      'strip-aliased': true,
    })
    .strict()
    .fail((message, error) => (complaint ??= { message, error }))
    .epilogue('Exit codes: 0 done, 1 refused, 2 usage, 3 out of reach, 4 nothing found.');
  addOptions(parser, GLOBAL_OPTIONS, true);
  const choose = (command: Command, parsed: Record<string, unknown>): void => void (chosen = { command, parsed });
  addGroups(parser, choose);
  for (const command of COMMANDS.filter(({ path }) => path.length === 1)) addCommand(parser, command, choose);

  let output = '';
  try {
    await parser.parse(argv as string[], {}, (_error, _parsed, text) => void (output = text));
  } catch (error) {
    complaint ??= { message: '', error: error as Error };
  }
  if (complaint) throw explain(complaint, argv);
  if (output !== '') return { kind: 'help', text: `${output}\n${describeExamples(findWhere(argv).command)}` };
  if (!chosen) throw missingCommand(argv);
  checkTwice(chosen.command, chosen.parsed);
  return { kind: 'command', command: chosen.command, values: readValues(chosen.parsed) };
}

/** What kubectl, git and others have taught people's fingers, as yargs understands it. */
function readHabits(words: readonly string[]): readonly string[] {
  // Which controller there is, is what `version` tells.
  if (words.length === 1 && words[0] === '--version') return ['version', '--client'];
  const argv = words[0] === 'help' ? [...words.slice(1), '--help'] : words;
  const options = [...GLOBAL_OPTIONS, ...(findWhere(argv).command?.options ?? [])];
  // "-ojson" and "-nacme": yargs would read a row of flags.
  return argv.map((word) => {
    const [, letter, value] = /^-([a-z])=?(.+)$/is.exec(word) ?? [];
    const option = options.find(({ alias, value: takes }) => letter !== undefined && alias === letter && takes !== undefined);
    return option ? `--${option.name}=${value}` : word;
  });
}

type Choose = (command: Command, parsed: Record<string, unknown>) => void;

function addGroups(parser: Argv, choose: Choose): void {
  for (const group of GROUPS) {
    parser.command([group.name, ...group.aliases], group.summary, (inner) => {
      inner.usage(`${group.summary}\n\nUsage: $0 ${group.name} COMMAND`);
      for (const command of COMMANDS.filter(({ path }) => path.length === 2 && path[0] === group.name)) addCommand(inner, command, choose);
      return inner;
    });
  }
}

function addCommand(parser: Argv, command: Command, choose: Choose): void {
  const positionals = (command.positionals ?? []).map(({ name, many, optional }) => {
    const inside = `${name}${many ? '..' : ''}`;
    return optional ? `[${inside}]` : `<${inside}>`;
  });
  const name = command.path.at(-1)!;
  parser.command(
    [name, ...positionals].join(' '),
    command.summary,
    (inner) => {
      inner.usage(
        `${command.summary}${command.details ? `\n${command.details}` : ''}\n\nUsage: $0 ${[...command.path, ...positionals].join(' ')}`,
      );
      for (const { name, describe, choices } of command.positionals ?? []) {
        inner.positional(name, { describe, type: 'string', ...(choices && { choices }) });
      }
      addOptions(inner, command.options ?? [], false);
      return inner;
    },
    (parsed) => choose(command, parsed as Record<string, unknown>),
  );
}

/** As kubectl does: what it is for, then the whole command in a line of its own, ready to be copied. Not by yargs, which breaks lines. */
function describeExamples(command: Command | undefined): string {
  if (command === undefined) return '';
  return `\nExamples:\n${command.examples.map(([example, what]) => `  # ${what}\n  berthctl ${example}\n`).join('\n')}`;
}

function addOptions(parser: Argv, options: readonly OptionSpec[], global: boolean): void {
  for (const { name, alias, describe, value, choices, required, many } of options) {
    parser.option(name, {
      describe: value && !choices ? `${describe} [${value}]` : describe,
      global,
      type: value ? 'string' : 'boolean',
      requiresArg: value !== undefined,
      ...(many && { array: true }),
      ...(alias && { alias }),
      ...(choices && { choices }),
      ...(required && { demandOption: true }),
      group: global ? 'Everywhere:' : 'Options:',
    });
  }
}

/** yargs collects repeated options into lists; where one value is meant, two are a mistake worth saying. */
function checkTwice(command: Command, parsed: Record<string, unknown>): void {
  for (const { name, many } of [...GLOBAL_OPTIONS, ...(command.options ?? [])]) {
    if (!many && Array.isArray(parsed[name])) throw new UsageError(`--${name} is given twice`, command.path.join(' '));
  }
}

/** yargs' complaint as one sentence with the nearest right spelling. */
function explain({ message, error }: { message: string; error: Error | undefined }, argv: readonly string[]): Error {
  if (error && error.name !== 'YError') return error;
  const where = findWhere(argv);
  // What the options of a command are nobody can say that does not know the command.
  if (where.command === undefined && where.stranger !== undefined) return unknownCommand(where, argv);
  const text = message || error?.message || 'these arguments make no sense';
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(text)?.[1]?.split(', ')[0];
  if (unknown !== undefined) {
    const dashed = argv.find((word) => word.replace(/=.*/s, '').replace(/^--?/, '') === unknown && word.startsWith('-'));
    if (dashed !== undefined || argv.some((word) => /^-[^-]/.test(word) && unknown.length === 1 && word.includes(unknown))) {
      const written = unknown.length === 1 ? `-${unknown}` : `--${unknown}`;
      const names = [...GLOBAL_OPTIONS, ...(where.command?.options ?? [])].map(({ name }) => name);
      return new UsageError(`unknown option ${written}${didYouMean(unknown, names, '--')}`, where.path);
    }
    return new UsageError(`"${unknown}" is one argument too many`, where.path);
  }
  const missingValue = /^Not enough arguments following: (.*)$/.exec(text)?.[1];
  if (missingValue !== undefined)
    return new UsageError(`${missingValue.length === 1 ? '-' : '--'}${missingValue} needs a value`, where.path);
  const missingOptions = /^Missing required arguments?: (.*)$/.exec(text)?.[1];
  if (missingOptions !== undefined) {
    const names = missingOptions.split(', ').map((name) => `--${name}`);
    return new UsageError(`${where.path} needs ${names.join(' and ')}`, where.path);
  }
  if (/^Not enough non-option arguments/.test(text)) {
    const names = (where.command?.positionals ?? []).filter(({ optional }) => !optional).map(({ name }) => name.toUpperCase());
    return new UsageError(`${where.path} needs ${names.join(' and ')}`, where.path);
  }
  const choice = /Argument: (\S+), Given: "(.*?)", Choices: (.*)/s.exec(text);
  if (choice) {
    const allowed = choice[3]!
      .split('\n')[0]!
      .split(', ')
      .map((word) => word.replaceAll('"', ''));
    const given = choice[2]!;
    const name = where.command?.positionals?.some(({ name }) => name === choice[1]) ? choice[1]! : `--${choice[1]}`;
    return new UsageError(`${name} cannot be "${given}": it is one of ${allowed.join(', ')}${didYouMean(given, allowed)}`, where.path);
  }
  return new UsageError(text.split('\n')[0]!, where.path);
}

/** How far the words lead into the commands, for hints. */
function findWhere(argv: readonly string[]): {
  readonly path: string;
  readonly command: Command | undefined;
  readonly next: readonly string[];
  /** The word that no command begins with. */
  readonly stranger: string | undefined;
} {
  const [first, second] = commandWords(argv);
  const group = groupOf(first);
  if (group) {
    const inside = COMMANDS.filter(({ path }) => path.length === 2 && path[0] === group.name);
    const command = inside.find(({ path }) => path[1] === second);
    const path = command ? command.path.join(' ') : group.name;
    return { path, command, next: inside.map(({ path }) => path[1]!), stranger: command ? undefined : second };
  }
  const command = COMMANDS.find(({ path }) => path.length === 1 && path[0] === first);
  if (command) return { path: command.path[0]!, command, next: [], stranger: undefined };
  const next = [...GROUPS, ...COMMANDS.filter(({ path }) => path.length === 1).map(({ path }) => ({ name: path[0]! }))].map(
    ({ name }) => name,
  );
  return { path: '', command: undefined, next, stranger: first };
}

const groupOf = (word: string | undefined) =>
  GROUPS.find(({ name, aliases }) => word !== undefined && (name === word || aliases.includes(word)));

/** The words that are neither an option nor the value of one. */
function commandWords(argv: readonly string[]): readonly string[] {
  const takesValue = (word: string): boolean =>
    [...GLOBAL_OPTIONS, ...COMMANDS.flatMap(({ options = [] }) => options)].some(
      ({ name, alias, value }) => value !== undefined && (word === `--${name}` || word === `-${alias}`),
    );
  return argv.filter((word, index) => !word.startsWith('-') && !(index > 0 && takesValue(argv[index - 1]!)));
}

/** kubectl's fingers write the verb first: "get pools" for "pool get". */
function readVerbFirst(argv: readonly string[]): string | undefined {
  const [verb, noun] = commandWords(argv);
  const ofVerb = COMMANDS.filter(({ path }) => path.length === 2 && path[1] === verb);
  const found = ofVerb.find(({ path }) => path[0] === groupOf(noun)?.name) ?? ofVerb[0];
  return found?.path.join(' ');
}

function unknownCommand({ path, next, stranger }: ReturnType<typeof findWhere>, argv: readonly string[]): UsageError {
  const verbFirst = path === '' ? readVerbFirst(argv) : undefined;
  const hint = verbFirst === undefined ? didYouMean(stranger ?? '', next) : `; did you mean ${verbFirst}?`;
  return new UsageError(`unknown command "${[path, stranger].join(' ').trim()}"${hint}`, path);
}

function missingCommand(argv: readonly string[]): UsageError {
  const { path, next } = findWhere(argv);
  return new UsageError(path === '' ? 'which command?' : `${path} needs one of: ${next.join(', ')}`, path);
}
