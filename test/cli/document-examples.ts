/** The examples of a document: ```console blocks, "$ command" and what it prints, in one shell a block. */
import { spawnSync } from 'node:child_process';

export interface Example {
  readonly command: string;
  readonly output: string;
}

export interface Block {
  /** Where its first line is, for messages; counted from 1. */
  readonly line: number;
  readonly examples: readonly Example[];
}

const FENCE = '```console';

export function readBlocks(markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  for (let index = 0; index < lines.length; index++) {
    if (lines[index] !== FENCE) continue;
    const end = lines.indexOf('```', index + 1);
    blocks.push({ line: index + 2, examples: readExamples(lines.slice(index + 1, end)) });
    index = end;
  }
  return blocks;
}

/** A command goes on over a line that ends in "\", while a single quote is open, and to the end of a here-document (<<EOF). */
function readExamples(lines: readonly string[]): Example[] {
  const examples: { command: string; output: string }[] = [];
  let waiting: 'more' | 'EOF' | undefined;
  for (const line of lines) {
    const last = examples.at(-1);
    if (waiting && last) {
      last.command += `\n${line}`;
      if (waiting === 'EOF' ? line === 'EOF' : !goesOn(last.command)) waiting = undefined;
    } else if (line.startsWith('$ ')) {
      examples.push({ command: line.slice(2), output: '' });
      waiting = line.includes('<<EOF') ? 'EOF' : goesOn(line) ? 'more' : undefined;
    } else if (last) {
      last.output += `${line}\n`;
    } else {
      throw new Error(`an example block must begin with a command, not with: ${line}`);
    }
  }
  return examples;
}

const goesOn = (command: string): boolean => command.endsWith('\\') || command.split("'").length % 2 === 0;

/** The same document with other outputs, in order. */
export function writeOutputs(markdown: string, blocks: readonly Block[], outputs: readonly (readonly string[])[]): string {
  let rest = 0;
  const parts = markdown.split('\n');
  const written: string[] = [];
  for (const [index, { line, examples }] of blocks.entries()) {
    written.push(...parts.slice(rest, line - 1));
    for (const [number, { command }] of examples.entries()) {
      written.push(...`$ ${command}`.split('\n'), ...outputs[index]![number]!.split('\n').slice(0, -1));
    }
    rest = parts.indexOf('```', line - 1);
  }
  return [...written, ...parts.slice(rest)].join('\n');
}

const MARK = '@@berth-example@@';

/** Runs the commands of a block in one bash, stdout and stderr as they come on a screen; the outputs in order. */
export function runBlock({ examples }: Block, directory: string, environment: Readonly<Record<string, string>>): string[] {
  const script = examples.map(({ command }) => `${command}\nstatus=$?; printf '${MARK}'; (exit $status)`).join('\n');
  const result = spawnSync('bash', ['--norc', '-c', `exec 2>&1\n${script}`], {
    cwd: directory,
    env: environment,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const outputs = result.stdout.split(MARK);
  if (outputs.length !== examples.length + 1) throw new Error(`the examples broke off: ${result.stdout}${result.stderr}`);
  return outputs.slice(0, -1);
}

/** What differs from run to run: times, ages, uids, versions; and so how wide a column is. */
export function normalise(output: string): string {
  return output
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replace(/\b[0-9a-f]{32}\b|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'UID')
    .replace(/(resourceVersion"?: )"\d+"/g, '$1"VERSION"')
    .replace(/\b(\d+[smhdy]){1,2}\b/g, 'AGE')
    .replace(/\b\d+ bytes\b/g, 'MANY bytes')
    .replace(/for \d+ s more/g, 'for SOME s more')
    .replace(/ {2,}/g, '  ')
    .replace(/ +$/gm, '');
}
