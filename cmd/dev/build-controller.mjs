/**
 * dist/berth-controller.mjs and dist/berthctl.mjs: each program as one file that needs nothing but Node, with a
 * launcher beside it that finds a Node new enough. kubectl-berth is berthctl under the name kubectl looks for.
 */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const PROGRAMS = { 'berth-controller': 'cmd/berth-controller/main.ts', berthctl: 'cmd/berthctl/main.ts' };
const LAUNCHERS = { 'berth-controller': 'berth-controller', berthctl: 'berthctl', 'kubectl-berth': 'berthctl' };

export async function buildNodePrograms({ outDir = join(root, 'dist') } = {}) {
  mkdirSync(outDir, { recursive: true });
  await Promise.all(Object.entries(PROGRAMS).map(([name, entry]) => bundle(join(root, entry), join(outDir, `${name}.mjs`))));
  for (const [name, program] of Object.entries(LAUNCHERS)) install(join(outDir, name), launcher(program));
}

async function bundle(entry, outfile) {
  await build({
    entryPoints: [entry],
    outfile: `${outfile}.new`,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Whole names in stack traces of the log are worth more than a smaller file.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    // CommonJS packages inside call require() for Node's own modules.
    banner: {
      js: "import { createRequire as berthCreateRequire } from 'node:module'; const require = berthCreateRequire(import.meta.url);",
    },
  });
  renameSync(`${outfile}.new`, outfile);
}

/** By rename: somebody may be starting the old one this very moment. */
function install(path, content) {
  writeFileSync(`${path}.new`, content);
  chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
}

/**
 * The pinned Node of the checkout, else the PATH's. `--version` costs a few milliseconds and says two things: that this
 * Node starts at all here (libraries), and that it is new enough. exec, so that signals reach the program itself.
 */
const launcher = (program) => `#!/bin/sh
# Starts ${program}.mjs on a Node that is new enough. Made by cmd/dev/build-controller.mjs.
self=$(readlink -f "$0" 2>/dev/null) || self=$0
here=$(dirname "$self")
for node in "$here/../node_modules/.bin/node" node; do
  version=$("$node" --version 2>/dev/null) || continue
  major=\${version#v}
  minor=\${major#*.}
  major=\${major%%.*}
  minor=\${minor%%.*}
  if [ "$major" -gt 24 ] || { [ "$major" -eq 24 ] && [ "$minor" -ge 15 ]; }; then
    exec "$node" --disable-warning=ExperimentalWarning "$here/${program}.mjs" "$@"
  fi
done
echo "${program}: needs Node 24.15 or newer: install it, or run 'npm ci' in the checkout, which brings one." >&2
exit 1
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildNodePrograms();
