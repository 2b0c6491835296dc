import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { listBindings } from '../list-bindings.ts';
import { BINDING_FILTERS } from '../options.ts';

export const bindingList: Command = {
  path: ['binding', 'list'],
  summary: 'List the bindings, in the order of their addresses',
  options: BINDING_FILTERS,
  examples: [
    ['binding list', 'everything that is held'],
    ['binding list -n acme --pool blue', "acme's addresses of one pool"],
    ['binding list --state all -o wide', 'with what was released and is not forgotten yet'],
  ],
  async run(context) {
    await listBindings(context, {});
    return DONE;
  },
};
