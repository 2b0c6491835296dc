/**
 * 32 callers, and one, in turn with the relay. An ADD of the controller is one create, as the relay's call is. Blocks are
 * short, a tenth of a second or two, so that what else runs on the machine meets both of a pair; the median pair counts.
 */
import { holds, measureRounds, median, medianRatio, table, type Bound } from '../measure.ts';
import { adds, bindings, type Pod } from './bodies.ts';
import { block } from './block.ts';
import { cpuSeconds } from './programs.ts';
import { empty, type Served, type Stage } from './stage.ts';

const CALLERS = 32;
/** All pods at once, each time with a further interface. A node may hold a thousand addresses, the relay's among them. */
const PAIRS_A_ROUND = 3;
const PODS = 120;
const SERIAL_CALLS = 15;

export async function compareWithRelay(stage: Stage, controller: Served, relay: Served, allPods: readonly Pod[]): Promise<void> {
  const pods = allPods.slice(0, PODS);
  const rates = { controller: [] as number[], relay: [] as number[] };
  const serial = { controller: [] as number[], relay: [] as number[] };
  let cpu = 0;
  let added = 0;

  const ofController = async (name: string): Promise<void> => {
    const before = cpuSeconds(controller);
    const { length, seconds } = await block(controller, adds(pods, `m${name}`), CALLERS);
    cpu += cpuSeconds(controller) - before;
    added += length;
    rates.controller.push(length / seconds);
    serial.controller.push(median((await block(controller, adds(pods.slice(0, SERIAL_CALLS), `s${name}`), 1)).milliseconds));
  };
  const ofRelay = async (): Promise<void> => {
    const { length, seconds } = await block(relay, bindings(PODS, 'relay'), CALLERS);
    rates.relay.push(length / seconds);
    serial.relay.push(median((await block(relay, bindings(SERIAL_CALLS, 'relay'), 1)).milliseconds));
  };
  const bounds = (): readonly Bound[] => [
    { what: `${CALLERS} callers: rate to the relay's`, measured: medianRatio(rates.controller, rates.relay), least: 0.8 },
    { what: "one at a time: p50 to the relay's", measured: medianRatio(serial.controller, serial.relay), most: 1.3 },
  ];

  await block(controller, adds(pods, 'warm'), CALLERS);
  await block(relay, bindings(PODS, 'relay'), CALLERS);
  await measureRounds({
    rounds: stage.quick ? 4 : 12,
    isHeld: () => bounds().every(holds),
    round: async (round) => {
      await empty(stage, controller);
      for (let pair = 0; pair < PAIRS_A_ROUND; pair++) {
        const one = (): Promise<void> => ofController(`${round}-${pair}`);
        // Each is the first of a pair as often as the second.
        for (const measure of (round + pair) % 2 === 0 ? [one, ofRelay] : [ofRelay, one]) await measure();
      }
    },
  });
  stage.bounds.push(...bounds());
  console.log(
    `### Beside a bare relay\n\n${table(
      ['', 'controller', 'relay'],
      [
        [`${CALLERS} callers, ADDs a second`, median(rates.controller).toFixed(0), median(rates.relay).toFixed(0)],
        ['one at a time, p50', `${median(serial.controller).toFixed(1)} ms`, `${median(serial.relay).toFixed(1)} ms`],
        ["controller's CPU an ADD", `${((cpu / added) * 1e6).toFixed(0)} µs`, ''],
      ],
    )}\n`,
  );
}
