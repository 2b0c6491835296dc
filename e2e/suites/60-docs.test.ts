/** The commands of the pages about a cluster, run as they stand there, page by page, in the order somebody follows. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execute, must } from '../../cmd/dev/execute.ts';
import { CHART, IMAGE, NAMESPACE } from '../cluster/berth.ts';
import { kubectl, mustHelm, mustKubectl } from '../cluster/kubectl.ts';
import { at, CONTROL_PLANE, kubeconfig, netnsPath, program } from '../cluster/layout.ts';
import { audit } from '../support/audit.ts';

const checkout = join(CHART, '../..');
const DOCS = join(checkout, 'docs');

/** Followed on this cluster, in this order; the last one installs without Helm over what Helm has installed. */
const PAGES = ['install', 'pools', 'troubleshooting', 'operations', 'kubernetes'] as const;

/** Of pages that are followed: lines that cannot be, and why. */
const NOT_HERE: readonly (readonly [RegExp, string])[] = [
  [
    /^berth-controller --store kubernetes --listen https:/,
    'its addresses are an example; what the chart starts is the same program with the node’s',
  ],
];

/** All others, and what runs their commands instead. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'cli.md': 'test/cli/documents.test.ts',
  'controller.md': 'test/server/install.test.ts',
  'http-api.md': 'test/server/http-api-page.test.ts',
  'library.md': 'test/examples/guide.test.ts',
  'proof.md': 'test/simulation/proof-page.test.ts',
  'vm-and-mac.md': 'test/cli/documents.test.ts',
};

/** What the reader puts in. */
const fillIn = (commands: string): string =>
  commands.replaceAll('REGISTRY/berth', IMAGE.split(':')[0]!).replaceAll('TAG', IMAGE.split(':')[1]!);

const tools = at('docs-tools');
beforeAll(async () => {
  mkdirSync(tools, { recursive: true });
  for (const name of ['kubectl', 'helm']) symlinkSync(program(name), join(tools, name));
  symlinkSync(process.execPath, join(tools, 'node'));
  const build = `(await import(${JSON.stringify(join(checkout, 'cmd/dev/build-controller.mjs'))})).buildNodePrograms({ outDir: process.argv[1] })`;
  await must(process.execPath, ['--input-type=module', '-e', `await ${build}`, tools]);
  await mustHelm(['uninstall', 'berth', '--namespace', NAMESPACE, '--wait', '--timeout=2m']);
});
afterAll(async () => {
  rmSync(tools, { recursive: true });
});

async function run(commands: string): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${tools}:${process.env['PATH']}`,
    KUBECONFIG: kubeconfig('admin'),
    HELM_CACHE_HOME: at('helm/cache'),
    HELM_CONFIG_HOME: at('helm/config'),
    HELM_DATA_HOME: at('helm/data'),
  };
  const shell = ['bash', '-euo', 'pipefail', '-c', commands];
  const { code, stdout, stderr } = await execute('nsenter', [`--net=${netnsPath(CONTROL_PLANE)}`, ...shell], {
    cwd: checkout,
    env,
    deadlineSeconds: 280,
  });
  expect(code, `${commands}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

const blocksOf = (page: string): string[] =>
  [...readFileSync(join(DOCS, page), 'utf8').matchAll(/^```(?:sh|console)\n([^]*?)^```$/gm)].map(([, block]) => block!);

const commandsOf = (block: string): string =>
  block
    .split('\n')
    .filter((line) => !NOT_HERE.some(([pattern]) => pattern.test(line)))
    .join('\n');

describe('the docs', () => {
  test('every page with commands is followed here, or something else runs it', () => {
    const withCommands = readdirSync(DOCS).filter(
      (page) => page.endsWith('.md') && /^```(sh|console|bash|shell)$/m.test(readFileSync(join(DOCS, page), 'utf8')),
    );
    const known = [...PAGES.map((page) => `${page}.md`), ...Object.keys(ELSEWHERE)];
    expect(withCommands.filter((page) => !known.includes(page))).toEqual([]);
    for (const path of Object.values(ELSEWHERE)) expect(existsSync(join(checkout, path)), path).toBe(true);
    for (const [pattern] of NOT_HERE)
      expect(PAGES.some((page) => blocksOf(`${page}.md`).some((block) => block.split('\n').some((line) => pattern.test(line))))).toBe(true);
  });

  test.each(PAGES)('docs/%s.md', async (page) => {
    const blocks = blocksOf(`${page}.md`).map(commandsOf).map(fillIn);
    expect(blocks).not.toEqual([]);
    for (const block of blocks) await run(block);
    await audit();
  });

  test('and leave a Berth that serves', async () => {
    await mustKubectl(['rollout', 'status', '-n', NAMESPACE, 'deployment/berth-controller', '--timeout=120s'], { deadlineSeconds: 130 });
    expect((await kubectl(['auth', 'can-i', 'create', 'pods', `--as=system:serviceaccount:${NAMESPACE}:berth-node`])).stdout.trim()).toBe(
      'no',
    );
  });
});
