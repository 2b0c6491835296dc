/** The log's lines where they cannot be written: on a full disk, into a pipe that nobody empties. */
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LineWriter } from '../../cmd/berth-controller/write-line.ts';
import { makeFolder } from './serve.ts';

function open(path: string, flags: string | number): number {
  const descriptor = openSync(path, flags);
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

test('a line is in the file when the call returns', async () => {
  const path = join(await makeFolder(), 'log');
  const lines = new LineWriter(open(path, 'w'));
  lines.write('{"a":1}\n');
  expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n');
  lines.write(`${'ü'.repeat(100_000)}\n`);
  expect(readFileSync(path, 'utf8')).toBe(`{"a":1}\n${'ü'.repeat(100_000)}\n`);
});

test('a full disk, and a descriptor that is closed, cost the line and nothing else', () => {
  for (const descriptor of [open('/dev/full', 'w'), 999]) expect(() => new LineWriter(descriptor).write('lost\n')).not.toThrow();
});

test('a pipe that nobody empties costs the rest of its line; the next one begins on its own', async () => {
  const path = join(await makeFolder(), 'pipe');
  execFileSync('mkfifo', [path]);
  const reader = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const lines = new LineWriter(open(path, constants.O_WRONLY | constants.O_NONBLOCK));
  lines.write(`${'x'.repeat(1 << 20)}\n`);
  lines.write('lost\n');
  let text = '';
  const chunk = Buffer.alloc(1 << 20);
  for (let count = readSync(reader, chunk); count > 0;) {
    text += chunk.toString('utf8', 0, count);
    try {
      count = readSync(reader, chunk);
    } catch {
      count = 0; // EAGAIN: empty
    }
  }
  expect(text).toMatch(/^x+$/);
  lines.write('next\n');
  expect(chunk.toString('utf8', 0, readSync(reader, chunk))).toBe('\nnext\n');
});
