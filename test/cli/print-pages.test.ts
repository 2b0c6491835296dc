/** A listing in parts is, put together, what it is in one piece. */
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bindingTable } from '../../src/cli/print-bindings.ts';
import { bindingObjectName } from '../../src/cli/names.ts';
import { inPages, printPages } from '../../src/cli/print-pages.ts';
import { createPrinter, FORMATS, printListing, type Format } from '../../src/cli/printer.ts';
import type { World } from '../../src/cli/world.ts';
import type { AddressBinding } from '../../src/protocol.ts';

const binding = (index: number, subid = `pod-${String(index).padStart(4, '0')}`): AddressBinding => ({
  apiVersion: 'berth-ipam.dev/v1alpha1',
  kind: 'AddressBinding',
  metadata: { name: `default.10-0-${index >> 8}-${index & 255}`, uid: `u${index}`, resourceVersion: '1' },
  spec: {
    address: `10.0.${index >> 8}.${index & 255}`,
    pool: 'pods',
    network: 'default',
    subinstance: 'shop',
    subid,
    slot: 0,
    resource: { type: 'pod', value: `shop/${subid}` },
    attachments: [],
    tags: index % 7 === 0 ? { note: 'two\nlines: and "quotes"' } : {},
    boundAt: '2026-11-24T03:24:04.000Z',
    cooldownSeconds: 30,
    stickySeconds: 0,
  },
});

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

async function printed(format: Format | undefined, run: (printer: ReturnType<typeof createPrinter>) => Promise<unknown>): Promise<string> {
  let text = '';
  const stream = { write: (chunk: string) => void (text += chunk), isTerminal: false, columns: 100 };
  await run(
    createPrinter({ stdout: stream, stderr: stream, environment: () => undefined } as unknown as World, {
      format,
      headers: true,
      quiet: false,
    }),
  );
  return text;
}

const listing = { table: bindingTable(Date.parse('2026-11-24T03:25:04.000Z')), name: bindingObjectName, none: 'Nothing.' };

describe('printPages', () => {
  test.each([undefined, ...FORMATS])('in format %s: 0, 1, 10 and 11 items, in pages of 5', async (format) => {
    for (const many of [0, 1, 5, 10, 11]) {
      const items = Array.from({ length: many }, (_, index) => binding(index + 100));
      const whole = await printed(format, (printer) => printListing(printer, { ...listing, items }));
      const paged = await printed(format, (printer) => printPages(printer, { ...listing, pages: inPages(each(items), 5) }));
      expect(paged).toBe(whole);
    }
  });

  test('a page with wider columns widens only what follows; the headers come once', async () => {
    const items = [binding(100), binding(101, 'a-much-longer-name-than-any-before-it'), binding(102)];
    const text = await printed('table', (printer) => printPages(printer, { ...listing, pages: inPages(each(items), 1) }));
    const lines = text.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[1]!.indexOf('<none>')).toBeLessThan(lines[2]!.indexOf('<none>'));
    expect(lines[3]!.indexOf('<none>')).toBe(lines[2]!.indexOf('<none>'));
    expect(text.match(/ADDRESS/g)).toHaveLength(1);
  });

  test('what is printed in pages is one document', async () => {
    const items = Array.from({ length: 1_200 }, (_, index) => binding(index));
    const print = (format: Format) => printed(format, (printer) => printPages(printer, { ...listing, pages: inPages(each(items), 500) }));
    expect(JSON.parse(await print('json')).items).toEqual(items);
    expect(parse(await print('yaml')).items).toEqual(items);
  });

  test('the first page is printed before the last is read', async () => {
    let text = '';
    const seen: string[] = [];
    async function* pages(): AsyncGenerator<readonly AddressBinding[]> {
      for (const index of [1, 2, 3]) {
        seen.push(text);
        yield [binding(index)];
      }
    }
    const stream = { write: (chunk: string) => void (text += chunk), isTerminal: false, columns: 100 };
    const world = { stdout: stream, stderr: stream, environment: () => undefined } as unknown as World;
    expect(await printPages(createPrinter(world, { format: 'name', headers: true, quiet: false }), { ...listing, pages: pages() })).toBe(3);
    expect(seen[2]).toBe('addressbinding/default.10-0-0-1\n');
  });
});
