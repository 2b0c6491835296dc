import type { Command } from '../command.ts';
import { DONE } from '../exit-code.ts';
import { API_VERSION } from '../../protocol.ts';
import { VERSION } from '../../version.ts';

export const version: Command = {
  path: ['version'],
  summary: 'The versions of berthctl and of the controller',
  options: [{ name: 'client', describe: 'only of berthctl: asks no controller' }],
  examples: [
    ['version', 'both'],
    ['version --client', 'without a controller'],
  ],
  async run({ client, values, printer, controller: { from, text } }) {
    const structured = printer.format === 'json' || printer.format === 'yaml';
    if (!structured) printer.line(`Client: ${VERSION}`);
    if (values.flag('client')) {
      if (structured) await printer.document({ client: { version: VERSION } });
      return DONE;
    }
    // A cluster is asked for its resources, not for a controller: which versions run there its Deployments say.
    if (from === 'kubeconfig') {
      await client().listBindings({}, { limit: 1 });
      if (structured) await printer.document({ client: { version: VERSION }, cluster: { kubeconfig: text, apiVersion: API_VERSION } });
      else printer.line(`Cluster: ${text} (${API_VERSION})`);
      return DONE;
    }
    const controller = await client().version();
    if (structured) await printer.document({ client: { version: VERSION }, controller });
    else printer.line(`Controller: ${controller.version} (store: ${controller.store})`);
    return DONE;
  },
};
