/** Metrics and log lines are interface: docs/controller.md lists them, and this compares the page with what is there. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCommandLine } from '../../cmd/berth-controller/flags.ts';
import { eventually } from '../support/eventually.ts';
import { ask } from '../support/http.ts';
import { startReady } from './controller-process.ts';
import { cniAdd, cniDel } from './requests.ts';
import { makeFolder, poolDocument } from './serve.ts';
import { machineBootId } from '../support/machine-boot-id.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/controller.md'), 'utf8');
const bootId = machineBootId();

/** The rows of the table under a heading, each as its cells. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| ') && !/^[|\s:-]+$/.test(line));
  return lines.slice(1).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codes = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');

/** A controller that has been asked a bit of everything, with its log and its metrics. */
async function livedIn() {
  const folder = await makeFolder();
  const pools = join(folder, 'pools.json');
  writeFileSync(pools, JSON.stringify(poolDocument('blue', { ranges: [{ cidr: '10.0.0.0/24' }], default: true })));
  const socketPath = join(folder, 'berth.sock');
  const flags = ['--store', `sqlite:${join(folder, 'berth.db')}`, '--pools', pools, '--log-level', 'debug'];
  const started = await startReady(flags, socketPath);
  const stamp = (startedTicks: number) => ({ bootId, startedTicks, monotonicNs: '1', attempt: 0 });
  const call = (method: string, path: string, body?: unknown) => ask({ socketPath }, method, path, body);
  await call('POST', '/v1/cni/add', cniAdd({ stamp: stamp(1), pod: { namespace: 'ns', name: 'p' } }));
  await call('POST', '/v1/cni/add', cniAdd({ stamp: stamp(2), containerId: 'c2', pools: ['none'] }));
  await call('POST', '/v1/cni/check', { ...cniAdd({ stamp: stamp(3) }) });
  await call('POST', '/v1/cni/del', cniDel({ stamp: stamp(4) }));
  await call('POST', '/v1/cni/spool', { deletes: [cniDel({ stamp: stamp(5) })] });
  await call('POST', '/v1/cni/gc', { cniVersion: '1.1.0', cniNetwork: 'n1', stamp: stamp(6), validAttachments: [], gcMinAgeSeconds: 0 });
  await call('PUT', '/v1/pools/red', poolDocument('red', { ranges: [{ cidr: '10.1.0.0/24' }] }));
  await call('DELETE', '/v1/pools/red');
  await call('POST', '/v1/allocate', { subinstance: 't', subid: 's', resource: { type: 'vm', value: 'v' }, leaseSeconds: 60 });
  await call('POST', '/v1/renew', { address: '10.0.0.250', leaseSeconds: 60 });
  await call('POST', '/v1/release', { network: 'default', address: '10.0.0.251' });
  await call('POST', '/v1/release', { subinstance: 't' });
  await call('POST', '/v1/check');
  await call('POST', '/v1/collect');
  await call('GET', '/v1/bindings');
  const { text } = await call('GET', '/metrics');
  started.child.kill('SIGHUP');
  await eventually(() => started.log().filter(({ message }) => message === 'pools file applied').length === 2, 'the reload');
  started.child.kill('SIGTERM');
  await started.ended;
  return { log: started.log(), metrics: text };
}

describe('docs/controller.md', () => {
  test('lists every flag with its default', async () => {
    const rows = tableUnder('Flags');
    const help = (await readCommandLine(['--help'])) as { readonly text: string };
    const offered = [...help.text.matchAll(/^ +--([\w-]+) /gm)]
      .map(([, flag]) => flag)
      .filter((flag) => flag !== 'help' && flag !== 'version');
    expect(rows.map(([flag]) => codes(flag)[0]?.slice(2))).toEqual(expect.arrayContaining(offered));
    expect(rows).toHaveLength(offered.length);
    const { options } = (await readCommandLine([])) as { readonly options: Record<string, any> };
    const defaults = Object.fromEntries(rows.map(([flag, value]) => [codes(flag)[0], codes(value)[0]]));
    expect(defaults['--store']).toBe(`sqlite:${options['store'].path}`);
    expect(defaults['--listen']).toBe(`unix:${options['listen'][0].path}`);
    expect(parseInt(defaults['--socket-mode'] ?? '', 8)).toBe(options['socketMode']);
    expect(defaults['--log-level']).toBe(options['logLevel']);
  });

  test('lists every log message of the sources, and none that is not there', () => {
    const sources = ['src/server', 'src/ipam', 'src/kubernetes', 'cmd/berth-controller'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts'))
        .map((name) => readFileSync(join(root, folder, name), 'utf8')),
    );
    // A constant message is the last argument of a log call, right after its fields.
    const call = /\b(?:log|context\.log|ports\.log)(?:\.(?:debug|info|warn|error)|\[[^\]]+\])\(\s*\{[^;]*?\}\s*,\s*'([^']+)'/gs;
    const logged = new Set(sources.flatMap((source) => [...source.matchAll(call)].map(([, message]) => message ?? '')));
    const listed = tableUnder('Log').map(([message]) => codes(message)[0]);
    expect(logged.size).toBeGreaterThan(15);
    expect(
      [...logged].filter((message) => !listed.includes(message)),
      'logged, but not on the page',
    ).toEqual([]);
    expect(
      listed.filter((message) => !logged.has(message ?? '')),
      'on the page, but not logged',
    ).toEqual([]);
  });

  test('lists the fields of the log and the metrics of a controller that has lived', async () => {
    const { log, metrics } = await livedIn();
    const fieldsOf = new Map(tableUnder('Log').map(([message, , fields]) => [codes(message)[0], codes(fields)]));
    const same = fieldsOf.get('request done') ?? [];
    for (const { level: _level, time, message, ...fields } of log) {
      expect(Date.parse(time), message).toBeGreaterThan(0);
      const listed = [...(fieldsOf.get(message) ?? []), ...(message === 'request refused' ? same : [])];
      expect(listed, `fields of ${message}`).toEqual(expect.arrayContaining(Object.keys(fields)));
    }
    const seen = new Set(log.map(({ message }) => message));
    expect([...seen]).toEqual(
      expect.arrayContaining(['started', 'request done', 'request refused', 'pool applied', 'pool deleted', 'reloading', 'stopped']),
    );

    const rows = tableUnder('Metrics');
    const shown = [...metrics.matchAll(/^# TYPE (berth_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(shown.toSorted()).toEqual(rows.map(([name, type]) => `${codes(name)[0]} ${type}`).toSorted());
    for (const [name = '', , labels, meaning] of rows) {
      if (meaning?.endsWith('in a cluster')) continue; // test/cluster/controller.test.ts
      const metric = codes(name)[0] ?? '';
      const samples = [...metrics.matchAll(new RegExp(`^${metric}(?:_bucket|_sum|_count)?(?:\\{([^}]*)\\})? `, 'gm'))];
      expect(samples.length, metric).toBeGreaterThan(0);
      for (const [, pairs = ''] of samples) {
        const names = [...pairs.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
        expect(names.toSorted(), metric).toEqual(codes(labels).toSorted());
      }
    }
    expect(metrics).not.toMatch(/10\.0\.0\.\d+"|c1"|"ns"/);
    expect(metrics).toContain('berth_requests_total{verb="add",result="UnknownPool"} 1');
  });
});
