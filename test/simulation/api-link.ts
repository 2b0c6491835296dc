/**
 * The way between one process and the API server: packets take their time, a cut line swallows them, and whoever is
 * dead or stalled reads nothing. What has been sent is served even when the sender dies meanwhile.
 */
import { ByteQueue } from '../../src/kubernetes/byte-queue.ts';
import { readText, TransportError, type HttpAnswer, type HttpRequest, type Transport } from '../../src/kubernetes/transport.ts';
import type { PretendedApiServer } from '../support/pretended-api-server.ts';
import type { EventLoop, Process } from './event-loop.ts';

export interface ApiWitness {
  /** A request is on the server's desk. */
  arrived(owner: Process, request: HttpRequest): void;
  /** A whole answer has come back. */
  /** Set while the server works on a request of it. */
  writer: Process | undefined;
  answered(owner: Process, request: HttpRequest, status: number, text: string): void;
}

export interface ApiLinkOptions {
  readonly loop: EventLoop;
  readonly server: PretendedApiServer;
  readonly owner: Process;
  /** Milliseconds for one way. */
  readonly delayMs: () => number;
  readonly isCut: () => boolean;
  readonly witness: ApiWitness;
}

export function linkToApi(options: ApiLinkOptions): Transport {
  const { loop, owner, delayMs } = options;
  const open = new Map<Exchange, () => void>();
  owner.onEnd(() => {
    for (const leave of open.values()) leave();
    loop.after(delayMs(), () => [...open.keys()].forEach(({ serverSide }) => serverSide.abort()));
  });
  return (request, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(new TransportError('the call was given up', false));
      const exchange = new Exchange(options, request, resolve, reject);
      const onAbort = (): void => exchange.giveUp();
      const leave = (): void => signal.removeEventListener('abort', onAbort);
      signal.addEventListener('abort', onAbort);
      open.set(exchange, leave);
      exchange.begin(() => {
        open.delete(exchange);
        leave();
      });
    });
}

class Exchange {
  readonly serverSide = new AbortController();
  readonly #options: ApiLinkOptions;
  readonly #request: HttpRequest;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: Error) => void;
  #queue: ByteQueue | undefined;
  #ended: () => void = () => undefined;
  #isOver = false;
  /** Packets were lost: nothing comes after them either. */
  #isBroken = false;
  #lastAt = 0;

  constructor(options: ApiLinkOptions, request: HttpRequest, resolve: (answer: HttpAnswer) => void, reject: (error: Error) => void) {
    this.#options = options;
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(ended: () => void): void {
    this.#ended = ended;
    const { loop, delayMs, isCut } = this.#options;
    if (isCut()) return; // until its deadline
    loop.after(delayMs(), () => void this.#serve());
  }

  /** The process has closed the connection: what was sent may still be served. */
  giveUp(): void {
    const { loop, delayMs } = this.#options;
    this.#finish(() => {
      const error = new TransportError('the call was given up', true);
      if (this.#queue === undefined) this.#reject(error);
      else this.#queue.end(error);
    });
    loop.after(delayMs(), () => this.serverSide.abort());
  }

  async #serve(): Promise<void> {
    const { server, owner, witness } = this.#options;
    witness.arrived(owner, this.#request);
    const isWatch = this.#request.path.includes('watch=true');
    let answer: HttpAnswer;
    try {
      witness.writer = owner;
      const serving = server.transport(this.#request, this.serverSide.signal);
      witness.writer = undefined;
      answer = await serving;
      if (isWatch && answer.status === 200) return void (await this.#stream(answer));
    } catch (error) {
      return this.#travel(() => this.#finish(() => this.#reject(error as Error)));
    }
    const queue = new ByteQueue();
    let text = '';
    try {
      text = await readText(answer.body);
      queue.push(Buffer.from(text));
      queue.end();
    } catch (error) {
      return this.#travel(() => this.#finish(() => this.#reject(error as Error)));
    }
    this.#travel(() =>
      this.#finish(() => {
        witness.answered(owner, this.#request, answer.status, text);
        this.#resolve({ ...answer, body: queue });
      }),
    );
  }

  async #stream(answer: HttpAnswer): Promise<void> {
    const queue = new ByteQueue(undefined, () => {
      this.#finish(() => undefined);
      this.#options.loop.after(this.#options.delayMs(), () => this.serverSide.abort());
    });
    this.#travel(() => {
      if (this.#isOver) return;
      this.#queue = queue;
      this.#resolve({ ...answer, body: queue });
    });
    try {
      for await (const piece of answer.body) this.#travel(() => queue.push(piece));
      this.#travel(() => this.#finish(() => queue.end()));
    } catch (error) {
      this.#travel(() => this.#finish(() => queue.end(error as Error)));
    }
  }

  /** From the server to the process, in order. */
  #travel(deliver: () => void): void {
    const { loop, owner, delayMs, isCut } = this.#options;
    if (this.#isBroken || isCut()) {
      this.#isBroken = true;
      return;
    }
    this.#lastAt = Math.max(this.#lastAt, loop.now + delayMs());
    loop.after(this.#lastAt - loop.now, deliver, owner);
  }

  #finish(run: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended();
    run();
  }
}
