/** Bundles a program against the library's sources and runs it where there is nothing but JavaScript. */
import { build } from 'esbuild';
import { resolve } from 'node:path';
import { createContext, Script } from 'node:vm';

const root = resolve(import.meta.dirname, '../..');

export async function bundleProgram(
  source: string,
  options: { readonly minify?: boolean; readonly globalName?: string } = {},
): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    alias: { 'berth-ipam': resolve(root, 'src/core/index.ts') },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    ...options,
  });
  return outputFiles[0]!.text;
}

/** Runs a bundle with only the given globals; `console.log` is collected. */
export function runInVm(bundle: string, globals: Readonly<Record<string, unknown>> = {}): string[] {
  const lines: string[] = [];
  const console = { log: (...words: readonly unknown[]) => lines.push(words.map(String).join(' ')) };
  new Script(bundle).runInContext(createContext({ console, ...globals }));
  return lines;
}
