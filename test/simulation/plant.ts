/** Plants one bug of the museum while modules are loaded; must be called before anything of src is imported. */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { BUGS, type Edit } from './bugs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function plant(name: string): void {
  const found = BUGS.find((bug) => bug.name === name);
  if (found === undefined) throw new Error(`there is no bug "${name}"; there are: ${BUGS.map((bug) => bug.name).join(', ')}`);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const edits = url.startsWith('file:') ? found.edits.filter(({ file }) => fileURLToPath(url) === ROOT + file) : [];
      if (edits.length === 0) return loaded;
      return { ...loaded, source: edits.reduce(applyEdit, String(loaded.source)) };
    },
  });
}

export function applyEdit(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} holds ${parts.length - 1} times what a planted bug replaces: ${find}`);
  return parts.join(replace);
}
