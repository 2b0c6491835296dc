/**
 * The controllers' own CA, shared by the replicas through a Secret: whoever comes first makes it, whoever sees that it
 * is due rotates it, by compare-and-swap. What nodes need, the CA's certificates and the controllers' addresses, is in
 * a ConfigMap, which the installer's projected volume shows to the plugin. Each replica signs its own certificate.
 */
import type { Timers } from '../core/clock.ts';
import type { Log } from '../ipam/ports.ts';
import { AUTHORITY_DAYS, bundleOf, fromData, nextStep, take, toData, type AuthorityState } from './authority-state.ts';
import { issueCertificate, makeAuthority, validityOf, type KeyPair } from './certificates.ts';
import type { Client } from './client.ts';
import { earlierUrls, tellEarlier } from './earlier-replicas.ts';
import { apiVersionOf, CONFIG_MAPS, resourceName, SECRETS, type KubernetesObject, type ResourceType } from './objects.ts';
import { Replicas } from './replicas.ts';
import { describeStatus, type ApiAnswer } from './status.ts';

export const AUTHORITY_SECRET = 'berth-authority';
export const IDENTITY_CONFIG_MAP = 'berth-identity';

const REFRESH_MS = 60_000;
/** While nothing works yet: the API server is away, or a right is missing. */
const RETRY_MS = 2_000;
const CERTIFICATE_DAYS = 30;
const RENEWED_BEFORE_END_MS = 10 * 86_400_000;
const ATTEMPTS = 8;

export interface AuthorityOptions {
  readonly client: Client;
  readonly timers: Timers;
  readonly log: Log;
  readonly namespace: string;
  /** The name in the certificates: the plugin's fixed one. */
  readonly serverName: string;
  /** Of this process. */
  readonly identity: string;
  /** https://ADDRESS:PORT, as nodes reach this replica. */
  readonly urls: readonly string[];
}

interface DataObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Authority {
  /** This replica's certificate and key, PEM. Waits until the first is there: the nodes are told of its CA before. */
  read(): Promise<KeyPair>;
  /** Ends the renewing, and takes this replica's addresses from the list. */
  stop(): Promise<void>;
}

/** Starts at once and never gives up. */
export function openAuthority(options: AuthorityOptions): Authority {
  const keeper = new Keeper(options);
  return { read: () => keeper.read(), stop: () => keeper.stop() };
}

class Keeper {
  readonly #options: AuthorityOptions;
  readonly #replicas: Replicas;
  readonly #first = Promise.withResolvers<void>();
  #issued: { readonly by: string; readonly pair: KeyPair } | undefined;
  #cancel = (): void => undefined;
  #stopped = false;
  #running: Promise<void>;

  constructor(options: AuthorityOptions) {
    this.#options = options;
    this.#replicas = new Replicas(options);
    this.#running = this.#run();
  }

  async read(): Promise<KeyPair> {
    await this.#first.promise;
    return this.#issued!.pair;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#running;
    if (this.#issued === undefined) return;
    await this.#leave().catch((error: unknown) =>
      this.#options.log.warn({ detail: (error as Error).message }, 'addresses not taken from the list'),
    );
  }

  async #run(): Promise<void> {
    const { timers, log } = this.#options;
    let pause = REFRESH_MS;
    try {
      await this.#refresh();
      this.#first.resolve();
    } catch (error) {
      log.warn({ detail: (error as Error).message }, 'certificates could not be brought up to date');
      if (this.#issued === undefined) pause = RETRY_MS;
    }
    if (this.#stopped) return;
    this.#cancel = timers.after(pause, () => {
      this.#running = this.#run();
    });
  }

  async #refresh(): Promise<void> {
    const { timers, log, serverName } = this.#options;
    const state = await this.#keepAuthority();
    await this.#replicas.beat();
    await this.#publish(bundleOf(state));
    const { cert } = state.current;
    const now = timers.now();
    if (this.#issued?.by === cert && validityOf(this.#issued.pair.cert).notAfter - now > RENEWED_BEFORE_END_MS) return;
    this.#issued = { by: cert, pair: await issueCertificate(state.current, serverName, now, CERTIFICATE_DAYS) };
    log.info({ notAfter: new Date(validityOf(this.#issued.pair.cert).notAfter).toISOString() }, 'certificate issued');
  }

  /** Nodes' kubelets copy every change of it, so it is written only when there is one. */
  async #publish(bundle: string): Promise<void> {
    await this.#update(CONFIG_MAPS, IDENTITY_CONFIG_MAP, async (data = {}) => {
      // Read after the map: whoever came since has changed it, and this write fails.
      const urls = await this.#replicas.endpoints();
      const published = { ...tellEarlier(data, urls, this.#options.timers.now()), 'ca.crt': bundle, endpoints: linesOf(urls) };
      return areSame(data, published) ? undefined : published;
    });
  }

  /**
   * The last one leaves its addresses behind: it comes back there, or behind the same ClusterIP, and a node that had an
   * empty list would wait for its kubelet to bring the next one.
   */
  async #leave(): Promise<void> {
    await this.#replicas.leave();
    await this.#update(CONFIG_MAPS, IDENTITY_CONFIG_MAP, async (data) => {
      if (data === undefined) return undefined;
      const urls = await this.#replicas.endpoints();
      const endpoints = linesOf(urls.length > 0 ? urls : earlierUrls(data));
      const left = { ...tellEarlier(data, urls, this.#options.timers.now()), ...(endpoints !== '' && { endpoints }) };
      return areSame(data, left) ? undefined : left;
    });
  }

  /** The CA as it is after what is due was done, by this replica or another. */
  async #keepAuthority(): Promise<AuthorityState> {
    const { timers, log } = this.#options;
    const now = timers.now();
    const make = (): Promise<KeyPair> => makeAuthority(now, AUTHORITY_DAYS);
    let state: AuthorityState | undefined;
    await this.#update(SECRETS, AUTHORITY_SECRET, async (data) => {
      const known = fromData(data);
      state = known ?? { current: await make(), previous: [] };
      const step = nextStep(state, now);
      if (known !== undefined && step === 'none') return undefined;
      if (step !== 'none') state = await take(step, state, now, make);
      log.info({ step: known === undefined ? 'first' : step }, 'the controllers’ CA changes');
      return toData(state);
    });
    return state!;
  }

  /** Creates or changes an object's data by compare-and-swap. @param change undefined: it is right as it is */
  async #update(type: ResourceType, name: string, change: (data: DataObject['data']) => ChangedData | Promise<ChangedData>): Promise<void> {
    const { client, namespace } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = await client.get<DataObject>(type, { namespace, name });
      if (!found.ok && found.status.reason !== 'NotFound') throw new Error(describeStatus(found.status));
      const data = await change(found.ok ? found.value.data : undefined);
      if (data === undefined) return;
      const answer: ApiAnswer<DataObject> = found.ok
        ? await client.replace<DataObject>(type, { ...found.value, data })
        : await client.create<DataObject>(type, { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { name, namespace }, data });
      if (answer.ok) return;
      if (answer.status.reason !== 'Conflict' && answer.status.reason !== 'AlreadyExists') throw new Error(describeStatus(answer.status));
    }
    throw new Error(`${resourceName(type)} ${name} is being changed by others all the time`);
  }
}

type ChangedData = Readonly<Record<string, string>> | undefined;

const linesOf = (urls: readonly string[]): string => urls.map((url) => `${url}\n`).join('');

const areSame = (one: ChangedData, other: ChangedData): boolean => {
  const entries = (data: ChangedData): string => JSON.stringify(Object.entries(data ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return entries(one) === entries(other);
};
