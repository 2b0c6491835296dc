#!/usr/bin/env node
/** berthctl: wires the real world to src/cli and exits with its code. */
import { runCli } from '../../src/cli/run.ts';
import { openWorld } from './world.ts';

const { world, finish } = openWorld();
finish(await runCli(process.argv.slice(2), world));
