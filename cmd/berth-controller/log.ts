/** pino as the Log port: one JSON line a message on stderr, written before the call returns, so a crash loses none. */
import pino from 'pino';
import type { Log } from '../../src/ipam/ports.ts';
import type { LogLevel } from './flags.ts';
import { LineWriter } from './write-line.ts';

export function createLog(level: LogLevel): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    },
    new LineWriter(2),
  );
}
