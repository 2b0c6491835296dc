/** Inside a node, which is a process of this machine and the namespaces that it lives in, whoever made them. */
import { execute, must, type Finished } from '../../cmd/dev/execute.ts';

const entering = (pid: number): string[] => [`--target=${pid}`, '--mount', '--pid', '--net', '--'];

/** Runs a program there to its end; its output. */
export const runInside = (pid: number, command: readonly string[]): Promise<string> => must('nsenter', [...entering(pid), ...command]);

export const tryInside = (pid: number, command: readonly string[]): Promise<Finished> => execute('nsenter', [...entering(pid), ...command]);

/** For those who start it themselves. */
export const commandInside = (pid: number, command: readonly string[]): string[] => ['nsenter', ...entering(pid), ...command];

/** As a process of the node writes it, so that who watches the folder there sees it; what is half-written has a name that nobody reads. */
export const writeInside = (pid: number, path: string, content: string): Promise<string> =>
  runInside(pid, [
    'sh',
    '-c',
    'new="${2%/*}/.${2##*/}.new"; mkdir -p "${2%/*}" && printf %s "$1" > "$new" && mv "$new" "$2"',
    'sh',
    content,
    path,
  ]);

/** Gives a file of this machine to a command there as its input. */
const feed = (pid: number, file: string, command: readonly string[]): Promise<Finished> =>
  execute('sh', ['-c', 'file="$1"; shift; exec "$@" < "$file"', 'sh', file, ...commandInside(pid, command)], { deadlineSeconds: 300 });

export async function installInside(pid: number, file: string, path: string): Promise<void> {
  const { code, stderr } = await feed(pid, file, [
    'sh',
    '-c',
    'mkdir -p "${1%/*}" && cat > "$1.new" && chmod 755 "$1.new" && mv "$1.new" "$1"',
    'sh',
    path,
  ]);
  if (code !== 0) throw new Error(`${file} to ${path}: ${stderr}`);
}

export async function importInside(pid: number, ctr: string, archive: string): Promise<void> {
  const { code, stderr } = await feed(pid, archive, [ctr, '--namespace=k8s.io', 'images', 'import', '--local', '-']);
  if (code !== 0) throw new Error(`ctr images import ${archive}: ${stderr}`);
}

/** Where a file of the node can be read by a program of this machine. */
export const pathInside = (pid: number, path: string): string => `/proc/${pid}/root${path}`;
