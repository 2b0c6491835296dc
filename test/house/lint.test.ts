import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** The settings are tried on files that break each ban: a misspelt rule would otherwise pass unseen. */
const BANNED: [folder: string, code: string, rule: string][] = [
  ...['src/core', 'src/ipam'].flatMap((folder): [string, string, string][] => [
    [folder, 'export const now = () => Date.now();', 'no-restricted-globals'],
    [folder, 'export const now = () => new Date();', 'no-restricted-globals'],
    [folder, 'export const now = () => performance.now();', 'no-restricted-globals'],
    [folder, 'export const later = (f: () => void) => setTimeout(f, 1);', 'no-restricted-globals'],
    [folder, 'export const id = () => crypto.randomUUID();', 'no-restricted-globals'],
    [folder, "export const ask = () => fetch('http://localhost');", 'no-restricted-globals'],
    [folder, 'export const chance = () => Math.random();', 'no-restricted-properties'],
    [folder, "export * from 'node:fs';", 'no-restricted-imports'],
    [folder, "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;", 'no-restricted-imports'],
  ]),
  ['src/cni', 'export default 1;', 'no-default-export'],
];

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
}

describe('lint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'berth-lint-'));
  let found: readonly Diagnostic[];

  beforeAll(async () => {
    cpSync('.oxlintrc.json', join(folder, '.oxlintrc.json'));
    BANNED.forEach(([where, code], index) => {
      mkdirSync(join(folder, where), { recursive: true });
      writeFileSync(join(folder, where, `case-${index}.ts`), `${code}\n`);
    });
    found = await new Promise((resolve, reject) => {
      execFile(join(process.cwd(), 'node_modules/.bin/oxlint'), ['--format=json'], { cwd: folder }, (_error, stdout) => {
        try {
          resolve((JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics);
        } catch (error) {
          reject(new Error(`oxlint printed no JSON: ${stdout}`, { cause: error }));
        }
      });
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(BANNED.map((row, index) => [...row, index] as const))('in %s: %j breaks %s', (where, _code, rule, index) => {
    const rules = found
      .filter((diagnostic) => diagnostic.filename.endsWith(`${where}/case-${index}.ts`))
      .map((diagnostic) => diagnostic.code);
    expect(rules.join(' ')).toContain(rule);
  });
});
