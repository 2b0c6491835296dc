/** The checkout as the house's tests see it: files under version control (and new ones not yet), and what they import. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface Import {
  readonly file: string;
  /** As written. */
  readonly specifier: string;
  /** The file it means, relative to the checkout; undefined for a package or a Node module. */
  readonly target: string | undefined;
  readonly typeOnly: boolean;
}

export function listFiles(...patterns: string[]): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns], { encoding: 'utf8' });
  return listed.split('\n').filter((path) => path !== '' && existsSync(path));
}

// A statement starts its line; `from` may be some lines further down.
const STATEMENT = /^\s*(import|export)\s+(type\s+)?((?:[\w*{][^'"`;]*?\s+from\s+)?)['"]([^'"\n]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g;

export function importsOf(file: string, text = readFileSync(file, 'utf8')): Import[] {
  const found: Import[] = [];
  for (const [, keyword, type, clause, specifier] of text.matchAll(STATEMENT)) {
    if (keyword === 'export' && clause === '') continue;
    found.push({ file, specifier: specifier!, target: resolve(file, specifier!), typeOnly: type !== undefined });
  }
  for (const [, specifier] of text.matchAll(DYNAMIC))
    found.push({ file, specifier: specifier!, target: resolve(file, specifier!), typeOnly: false });
  return found;
}

function resolve(file: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : undefined;
}
