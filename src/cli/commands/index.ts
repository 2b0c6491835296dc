/** Every command, in the order of the help. */
import type { Command, CommandGroup } from '../command.ts';
import { allocate } from './allocate.ts';
import { backup } from './backup.ts';
import { bindingGet } from './binding-get.ts';
import { bindingList } from './binding-list.ts';
import { check } from './check.ts';
import { collect } from './collect.ts';
import { completion } from './completion.ts';
import { doctor } from './doctor.ts';
import { events } from './events.ts';
import { explain } from './explain.ts';
import { find } from './find.ts';
import { poolApply } from './pool-apply.ts';
import { poolCreate } from './pool-create.ts';
import { poolDelete } from './pool-delete.ts';
import { poolGet } from './pool-get.ts';
import { poolList } from './pool-list.ts';
import { poolReserve, poolUnreserve } from './pool-reserve.ts';
import { poolDrain, poolResume } from './pool-state.ts';
import { release } from './release.ts';
import { renew } from './renew.ts';
import { stats } from './stats.ts';
import { version } from './version.ts';
import { ip, who } from './who.ts';

export const GROUPS: readonly CommandGroup[] = [
  { name: 'pool', aliases: ['pools', 'apool'], summary: 'Pools: which addresses there are to give' },
  { name: 'binding', aliases: ['bindings', 'abind'], summary: 'Bindings: which address is held, and by whom' },
];

export const COMMANDS: readonly Command[] = [
  poolList,
  poolGet,
  poolCreate,
  poolApply,
  poolDelete,
  poolReserve,
  poolUnreserve,
  poolDrain,
  poolResume,
  bindingList,
  bindingGet,
  allocate,
  release,
  renew,
  find,
  who,
  ip,
  explain,
  stats,
  events,
  check,
  collect,
  backup,
  doctor,
  version,
  completion,
];
