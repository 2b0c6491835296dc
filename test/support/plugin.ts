/** The built plugin as a runtime's main plugin calls it: environment, stdin, and what comes back. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const dist = (name: string): string => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url));

export interface PluginHost {
  readonly name: string;
  readonly path: string;
  readonly native: boolean;
}

/** Builds what is not built, and tells which hosts there are: without cargo only Node's. */
export function buildHosts(): readonly PluginHost[] {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../cmd/dev/build-plugin.mjs', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const isNative = isElf(dist('berth'));
  // The reason is in the name, so that whatever is left out for it says why.
  const native = { name: isNative ? 'native host' : 'native host (no Rust toolchain here)', path: dist('berth'), native: isNative };
  return [native, { name: 'Node host', path: dist('berth-node'), native: false }];
}

function isElf(path: string): boolean {
  const [descriptor, head] = [openSync(path, 'r'), Buffer.alloc(4)];
  readSync(descriptor, head);
  closeSync(descriptor);
  return head.toString('latin1') === '\x7fELF';
}

export interface Said {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface Started {
  readonly child: ChildProcess;
  readonly said: Promise<Said>;
}

/** `stdin` null leaves it open. */
export function startPlugin(path: string, env: Readonly<Record<string, string>>, stdin: string | Buffer | null, cwd?: string): Started {
  const before = performance.now();
  const child = spawn(path, [], { env: { ...env }, stdio: 'pipe', ...(cwd === undefined ? {} : { cwd }) });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  // It may refuse and exit before it has read everything.
  child.stdin.on('error', () => undefined);
  if (stdin !== null) child.stdin.end(stdin);
  const said = new Promise<Said>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - before }));
  });
  return { child, said };
}

export const callPlugin = (path: string, env: Readonly<Record<string, string>>, stdin: string | Buffer, cwd?: string): Promise<Said> =>
  startPlugin(path, env, stdin, cwd).said;
