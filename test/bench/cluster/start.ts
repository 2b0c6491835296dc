/** A controller starts in a cluster that is full: ten times the bindings and pods take ten times as long, not a hundred. */
import { measureRounds, median, table } from '../measure.ts';
import { BALLAST_POOL, type Ballast } from './ballast.ts';
import { end, memory, startController } from './programs.ts';
import type { Stage } from './stage.ts';

const STARTS = 3;
/** Ten times as many objects, and a third for the luck of a shared machine. */
const MOST = 13;

export class Start {
  readonly #stage: Stage;
  readonly #rows: { readonly bindings: number; readonly pods: number; readonly seconds: number; readonly mebibytes: number }[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async measure({ bindings, pods }: Ballast): Promise<void> {
    const [seconds, mebibytes]: [number[], number[]] = [[], []];
    const [few] = this.#rows;
    await measureRounds({
      rounds: STARTS,
      isHeld: () => few === undefined || median(seconds) / few.seconds <= MOST,
      round: async (start) => {
        const before = performance.now();
        const controller = await startController(this.#stage, `start-${bindings}-${start}`);
        seconds.push((performance.now() - before) / 1_000);
        mebibytes.push(memory(controller).peak);
        await end(controller.child);
      },
    });
    this.#rows.push({ bindings, pods, seconds: median(seconds), mebibytes: median(mebibytes) });
  }

  async report(): Promise<void> {
    const [few, many] = [this.#rows[0]!, this.#rows.at(-1)!];
    console.log(
      `### Start of a controller\n\n${table(
        ['bindings and as many pods', 'ready after', 'peak memory'],
        this.#rows.map(({ bindings, seconds, mebibytes }) => [bindings, `${seconds.toFixed(2)} s`, `${mebibytes.toFixed(0)} MiB`]),
      )}\n\nOne binding in etcd, key and value: ${(await bytesInEtcd(this.#stage)).toFixed(0)} bytes.\n`,
    );
    this.#stage.bounds.push({
      what: `ready with ${many.bindings} bindings and pods to with ${few.bindings}`,
      measured: many.seconds / few.seconds,
      most: MOST,
    });
  }
}

/** The mean of some hundreds, as etcd keeps them (its JSON gateway; keys and values in base64). */
async function bytesInEtcd({ server }: Stage): Promise<number> {
  const prefix = `/registry/berth-ipam.dev/addressbindings/${BALLAST_POOL}.`;
  const text = (key: string): string => Buffer.from(key).toString('base64');
  const answer = await fetch(`${server.etcdUrl}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key: text(prefix), range_end: text(`${prefix.slice(0, -1)}/`), limit: 500 }),
  });
  const { kvs } = (await answer.json()) as { kvs: { key: string; value: string }[] };
  const bytes = kvs.map(({ key, value }) => Buffer.from(key, 'base64').length + Buffer.from(value, 'base64').length);
  return bytes.reduce((sum, length) => sum + length, 0) / bytes.length;
}
