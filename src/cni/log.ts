/**
 * The plugin's own log: runtimes drop stderr when a call fails. JSON lines, written when the answer is out; 0600; two
 * files of at most half a MiB each. A log that cannot be written is nobody's error.
 */
import type { Host } from './host.ts';

const LARGEST_FILE = 512 * 1024;
const LONGEST_TEXT = 2048;

export interface PluginLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Appends what was said; the file is known only once the configuration is read. */
  write(file: string): void;
}

export function openLog(host: Host, bound: object): PluginLog {
  let lines = '';
  const say = (level: string) => (fields: object, message: string) => {
    const line = { time: new Date(host.wallMs()).toISOString(), level, msg: message, ...bound, ...fields };
    lines += `${JSON.stringify(line, (_key, value: unknown) => (typeof value === 'string' ? value.slice(0, LONGEST_TEXT) : value))}\n`;
  };
  const write = (file: string): void => {
    if (lines === '') return;
    const directory = file.slice(0, file.lastIndexOf('/'));
    const [, , size] = host.inspectFile(file);
    const isFull = Number(size) + lines.length > LARGEST_FILE;
    const turned = isFull ? host.renameFile(file, `${file}.1`, directory) : '';
    // ENOENT: another call has just turned it. One that cannot be turned (append-only, a mount of its own) would fill the disk.
    if (!['', 'ENOENT'].includes(turned)) return;
    if (host.appendFile(file, lines) === 'ENOENT' && host.makeDirectory(directory) === '') host.appendFile(file, lines);
    lines = '';
  };
  return { info: say('info'), warn: say('warn'), error: say('error'), write };
}
