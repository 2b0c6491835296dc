import { describe, expect, test } from 'vitest';
import type { Import } from './tree.ts';
import { importsOf, listFiles } from './tree.ts';

/**
 * What each part may import of the others: dependencies point left.
 *   core ← store ← ipam ← { sqlite, server, kubernetes } ← cmd/berth-controller
 *   protocol ← cni ← cmd/berth          protocol ← client ← cli ← cmd/berthctl
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/version.ts': ['package.json'],
  'src/core': [],
  'src/store': ['src/core'],
  'src/ipam': ['src/core', 'src/store'],
  'src/protocol.ts': [],
  'src/sqlite': ['src/core', 'src/store', 'src/ipam'],
  'src/kubernetes': ['src/core', 'src/store', 'src/ipam', 'src/version.ts'],
  'src/server': ['src/core', 'src/store', 'src/ipam', 'src/protocol.ts', 'src/version.ts'],
  'src/cni': ['src/core', 'src/protocol.ts', 'src/version.ts'],
  'src/client': ['src/core', 'src/protocol.ts'],
  // In a cluster it does with the user's rights what a controller does with its own, with the same functions.
  'src/cli': ['src/core', 'src/store', 'src/ipam', 'src/kubernetes', 'src/server', 'src/protocol.ts', 'src/client', 'src/version.ts'],
  'cmd/berth': ['src/cni', 'src/protocol.ts', 'src/version.ts'],
  'cmd/berth-controller': [
    'src/core',
    'src/store',
    'src/ipam',
    'src/sqlite',
    'src/kubernetes',
    'src/server',
    'src/protocol.ts',
    'src/version.ts',
  ],
  'cmd/berth-install': [],
  'cmd/berthctl': ['src/core', 'src/protocol.ts', 'src/client', 'src/cli', 'src/version.ts'],
};

/** Only types: the wire speaks in core's words, the operations take and give the wire's. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  'src/protocol.ts': ['src/core'],
  'src/ipam': ['src/protocol.ts'],
};

/** Packages and Node modules: only where the table says so; a missing row allows everything. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'src/version.ts': [],
  'src/core': ['ipaddr.js'],
  'src/store': [],
  'src/ipam': [],
  'src/protocol.ts': [],
};

const partOf = (path: string): string => /^((?:src|cmd)\/[^/]+)/.exec(path)?.[1] ?? path;
const sources = listFiles('src/**/*.ts', 'src/*.ts', 'cmd/**/*.ts').filter((file) => !file.startsWith('cmd/dev/'));
const imports = sources.flatMap((file) => importsOf(file));

const show = (entry: Import) => `${entry.file} imports ${entry.specifier}`;

describe('imports', () => {
  test('are found at all', () => {
    expect(imports.length).toBeGreaterThan(20);
    const text =
      "import type {\n  A,\n} from './a.ts';\nexport * from './b.ts';\nimport 'side';\nexport const c = 'no import';\nconst d = await import('./d.ts');\n";
    expect(importsOf('src/core/x.ts', text).map((entry) => [entry.target ?? entry.specifier, entry.typeOnly])).toEqual([
      ['src/core/a.ts', true],
      ['src/core/b.ts', false],
      ['side', false],
      ['src/core/d.ts', false],
    ]);
  });

  test('every part has a row in the table', () => {
    expect([...new Set(sources.map(partOf))].filter((part) => !(part in ALLOWED))).toEqual([]);
  });

  test('point left', () => {
    const wrong = imports.filter(({ file, target, typeOnly }) => {
      if (target === undefined) return false;
      const [from, to] = [partOf(file), partOf(target)];
      return from !== to && !ALLOWED[from]?.includes(to) && !(typeOnly && TYPES_ONLY[from]?.includes(to));
    });
    expect(wrong.map(show)).toEqual([]);
  });

  test('of packages and Node modules stay out of the pure parts', () => {
    const wrong = imports.filter(
      ({ file, target, specifier }) => target === undefined && PACKAGES[partOf(file)]?.includes(specifier) === false,
    );
    expect(wrong.map(show)).toEqual([]);
  });

  test('of ipaddr.js are in one file', () => {
    expect([...new Set(imports.filter((entry) => entry.specifier.startsWith('ipaddr')).map((entry) => entry.file))]).toEqual([
      'src/core/address.ts',
    ]);
  });

  test('name files that exist, with their ending', () => {
    const known = new Set(listFiles());
    expect(
      imports.filter((entry) => entry.target !== undefined && !known.has(entry.target) && !entry.target.endsWith('.json')).map(show),
    ).toEqual([]);
  });
});
