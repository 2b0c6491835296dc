import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { LocalError } from '../failure.ts';

export const backup: Command = {
  path: ['backup'],
  summary: "Copy the controller's database into a file",
  details: 'As it is at this moment; the controller goes on serving meanwhile. docs/controller.md says how to restore.',
  positionals: [{ name: 'file', describe: 'a new file', completes: 'file' }],
  options: [{ name: 'replace', describe: 'also over a file that exists' }],
  examples: [['backup berth-backup.db', 'for the night']],
  async run({ client, values, printer, world }) {
    const file = values.required('file');
    const openClient = client();
    try {
      const bytes = await world.files.writeWhole(file, values.flag('replace'), (sink) => openClient.backup(sink));
      if (printer.format === 'json' || printer.format === 'yaml') await printer.document({ file, bytes });
      else printer.line(printer.format === 'name' ? file : `${file} written, ${bytes} bytes`);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') throw new LocalError(`${file} exists; give another name, or --replace`);
      if (code !== undefined) throw new LocalError(`cannot write ${file}: ${fileProblem(code)}`);
      throw error;
    }
    return DONE;
  },
};

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'no such directory',
  EACCES: 'no permission',
  EISDIR: 'it is a directory',
  ENOSPC: 'the disk is full',
  EROFS: 'the disk is read-only',
};
const fileProblem = (code: string): string => FILE_PROBLEMS[code] ?? code;
