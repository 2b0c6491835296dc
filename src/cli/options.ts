/** Options that several commands share, so that one name means one thing. */
import type { OptionSpec } from './command.ts';
import { FORMATS } from './printer.ts';

/** Understood by every command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'controller', value: 'SOCKET', describe: 'the controller to ask: unix:///run/berth/berth.sock, or $BERTH_CONTROLLER' },
  {
    name: 'kubeconfig',
    value: 'FILE',
    describe: 'without a controller: the cluster to ask ($KUBECONFIG, ~/.kube/config)',
    completes: 'file',
  },
  { name: 'context', value: 'NAME', describe: 'the context of the kubeconfig' },
  { name: 'output', alias: 'o', value: 'FORMAT', choices: FORMATS, describe: 'how to print' },
  { name: 'no-headers', describe: 'tables without their first line' },
  { name: 'timeout', value: 'DURATION', describe: 'how long to wait for an answer (10s)' },
  { name: 'quiet', alias: 'q', describe: 'only data and errors' },
];

export const SUBINSTANCE: OptionSpec = {
  name: 'subinstance',
  alias: 'n',
  value: 'NAME',
  describe: 'the tenant; in Kubernetes the namespace',
  completes: 'subinstance',
};
export const ALL_SUBINSTANCES: OptionSpec = { name: 'all-subinstances', alias: 'A', describe: 'of every subinstance, as without -n' };
export const SUBID: OptionSpec = { name: 'subid', value: 'NAME', describe: 'who within the subinstance; in Kubernetes the pod' };
/** With a default: one address is meant. */
export const NETWORK: OptionSpec = { name: 'network', value: 'NAME', describe: 'the network the address belongs to (default)' };
export const RESOURCE: OptionSpec = {
  name: 'resource',
  value: 'TYPE:VALUE',
  describe: 'what it is: mac:02:00:00:00:00:01, vm:…, container:…, pod:…, custom:…',
  completes: 'resource',
};
export const CONTROLLERS_NAMESPACE: OptionSpec = {
  name: 'controllers-namespace',
  value: 'NAME',
  describe: 'in a cluster: where the controllers run (berth)',
};
export const DRY_RUN: OptionSpec = { name: 'dry-run', describe: 'only say what it would do' };
export const YES: OptionSpec = { name: 'yes', alias: 'y', describe: 'do not ask' };

/** What selects bindings in a list. */
export const BINDING_FILTERS: readonly OptionSpec[] = [
  SUBINSTANCE,
  ALL_SUBINSTANCES,
  SUBID,
  { name: 'pool', value: 'NAME', describe: 'of this pool', completes: 'pool' },
  { name: 'network', value: 'NAME', describe: 'of this network' },
  { name: 'node', value: 'NAME', describe: 'attached on this node' },
  RESOURCE,
  { name: 'tag', value: 'KEY[=VALUE]', describe: 'with this tag' },
  {
    name: 'state',
    value: 'STATE',
    choices: ['bound', 'released', 'all'],
    describe: 'held now (bound), let go and not yet forgotten, or both',
  },
];
