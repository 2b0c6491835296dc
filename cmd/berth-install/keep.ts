/**
 * Keeps what the installer has put on the node. While an update replaces its pod, two of them run: the later one has
 * pointed the link at itself. When that one goes again (a rollback, an update that was given up) the link leads
 * nowhere, and no start of a container tells the earlier one, which stays.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LINK, linkTarget, PLUGIN, pointAt, putOnNode } from './install.ts';
import type { Settings } from './settings.ts';

/** Kubernetes ends the earlier pod within seconds once the later one is ready: after this, that is not what happens. */
export const PATIENCE_MS = 60_000;

export interface Keeper {
  /** Puts back what is missing, and takes the link when it has led elsewhere for long: this pod's identity is there as long as the pod. Returns whether it did. */
  look(monotonicMs: number): boolean;
  /** The pod ends. One whose link was taken may still be there, and would need the whole patience to take it back. */
  handBack(): void;
}

export function keepOnNode(settings: Settings): Keeper {
  const link = join(settings.runFolder, LINK);
  let elsewhere: { readonly target: string; readonly since: number } | undefined;
  let takenFrom: string | undefined;
  return {
    look(monotonicMs) {
      const target = linkTarget(link);
      const isMine = target === settings.identityOnNode;
      if (isMine && existsSync(join(settings.cniBinFolder, PLUGIN))) {
        elsewhere = undefined;
        return false;
      }
      if (!isMine && target !== undefined) {
        if (elsewhere?.target !== target) elsewhere = { target, since: monotonicMs };
        if (monotonicMs - elsewhere.since < PATIENCE_MS) return false;
        takenFrom = target;
      }
      putOnNode(settings);
      return true;
    },
    handBack() {
      if (takenFrom !== undefined && linkTarget(link) === settings.identityOnNode) pointAt(link, takenFrom);
    },
  };
}
