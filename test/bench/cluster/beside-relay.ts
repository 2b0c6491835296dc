/** 32 callers, and one, in turn with the relay. An ADD of the controller is one create, as the relay's call is. */
import { median, table } from '../measure.ts';
import { adds, bindings, type Pod } from './bodies.ts';
import { block } from './block.ts';
import { cpuSeconds } from './programs.ts';
import { empty, type Served, type Stage } from './stage.ts';

const CALLERS = 32;

export async function compareWithRelay(stage: Stage, controller: Served, relay: Served, pods: readonly Pod[]): Promise<void> {
  const rounds = stage.quick ? 3 : 5;
  const rates = { controller: [] as number[], relay: [] as number[] };
  const serial = { controller: [] as number[], relay: [] as number[] };
  let cpu = 0;
  let added = 0;
  await block(controller, adds(pods, 'warm'), CALLERS);
  await block(relay, bindings(pods.length, 'relay'), CALLERS);
  for (let round = 0; round < rounds; round++) {
    await empty(stage, controller);
    const before = cpuSeconds(controller);
    const ofController = await block(controller, [...adds(pods, `a${round}`), ...adds(pods, `b${round}`)], CALLERS);
    cpu += cpuSeconds(controller) - before;
    added += ofController.length;
    rates.controller.push(ofController.length / ofController.seconds);
    const ofRelay = await block(relay, bindings(pods.length * 2, 'relay'), CALLERS);
    rates.relay.push(ofRelay.length / ofRelay.seconds);
    serial.controller.push(...(await block(controller, adds(pods.slice(0, 60), `s${round}`), 1)).milliseconds);
    serial.relay.push(...(await block(relay, bindings(60, 'relay'), 1)).milliseconds);
  }
  const ratio = median(rates.controller.map((rate, round) => rate / rates.relay[round]!));
  const slower = median(serial.controller) / median(serial.relay);
  stage.bounds.push(
    { what: `${CALLERS} callers: rate to the relay's`, measured: ratio, least: 0.8 },
    { what: "one at a time: p50 to the relay's", measured: slower, most: 1.3 },
  );
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
