import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { HOLD_REASONS, Tally } from '../../src/ipam/collector/tally.ts';
import { createMetrics } from '../../src/server/metrics.ts';

interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly summary: string;
}

const { alerts } = parse(readFileSync('charts/berth/files/alerts.yaml', 'utf8')) as { alerts: readonly Alert[] };
const dashboard = JSON.parse(readFileSync('charts/berth/files/dashboard.json', 'utf8')) as {
  panels: readonly { title: string; targets: readonly { expr: string }[] }[];
};
const tally = new Tally({ now: () => 0, monotonic: () => 0 });
const metrics = createMetrics({
  operations: {
    synced: () => true,
    pools: () => [],
    counts: () => ({ ok: false, refusal: { reason: 'UnknownPool', detail: '', pools: [] } }),
  } as never,
  version: '0',
  store: 'memory',
  counters: () => undefined,
  connections: () => 0,
  eventStreams: () => 0,
  waiting: () => ({ add: 0, del: 0 }),
  collecting: () => tally.read(),
});

const namesIn = (expr: string): string[] => [...expr.matchAll(/\bberth_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''));
const expressions = [
  ...alerts.map(({ name, expr }) => [name, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];

describe('alerts and dashboard', () => {
  test.each(expressions)('%s asks for metrics that there are', async (_name, expr) => {
    const there = [...(await metrics.render()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(namesIn(expr)).not.toEqual([]);
    expect(namesIn(expr).filter((name) => !there.includes(name))).toEqual([]);
  });

  test.each(alerts)('$name has a heading in docs/operations.md', ({ name }) => {
    expect(readFileSync('docs/operations.md', 'utf8')).toMatch(new RegExp(`^#+ ${name}$`, 'm'));
  });

  // A pool whose last addresses are kept for StatefulSets' pods, or cool, gives them when somebody needs one: nobody waits.
  test.each(['BerthPoolFull', 'BerthPoolNearlyFull'])('%s counts what cools as left', (name) => {
    expect(alerts.find((alert) => alert.name === name)!.expr).toContain('berth_pool_addresses{state=~"available|cooling"}');
  });

  test('BerthBrake asks for the series that shows how many the brake holds', async () => {
    const series = 'berth_collector_held{reason="Brake"}';
    expect(alerts.find(({ name }) => name === 'BerthBrake')!.expr).toContain(series);
    expect(await metrics.render()).toContain(`\n${series} 0\n`);
    const held = ['10.0.0.1', '10.0.0.2'].map((address) => ({ address, network: 'default', reason: HOLD_REASONS.Brake }));
    tally.passed({ released: [], held, dryRun: false });
    expect(await metrics.render()).toContain(`\n${series} 2\n`);
  });
});
