/** What kill -9 cannot show, because the kernel keeps what a dead process wrote: that the disk was told before the answer. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { tempFolder } from './temp.ts';

const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

test.skipIf(!canTrace)('each answer comes after a sync of the log that comes after its write (needs strace)', () => {
  const folder = tempFolder();
  const trace = join(folder, 'trace');
  const script = fileURLToPath(new URL('answer-five.ts', import.meta.url));
  const calls = 'trace=pwrite64,fsync,fdatasync,write';
  const child = spawnSync('strace', ['-f', '-y', '-e', calls, '-o', trace, process.execPath, script, join(folder, 'berth.db')]);
  expect(child.status).toBe(0);
  const log = 'berth.db-wal>';
  const events = readFileSync(trace, 'utf8')
    .split('\n')
    .flatMap((line) => {
      if (line.includes('"answer ')) return ['answer'];
      if (!line.includes(log)) return [];
      return line.includes('pwrite64(') ? ['written'] : ['synced'];
    });
  const beforeAnswers = events
    .join(' ')
    .split('answer')
    .slice(0, 5)
    .map((text) => text.trim().replaceAll(/(written )+/g, 'written '));
  expect(beforeAnswers.map((text) => text.split(' ').slice(-2).join(' '))).toEqual(Array.from({ length: 5 }, () => 'written synced'));
  expect(beforeAnswers.slice(1)).toEqual(Array.from({ length: 4 }, () => 'written synced'));
});
