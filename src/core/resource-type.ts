/** How a library user says what a subject is. */
import type { Resource } from './binding.ts';
import { unwrap } from './ip-pool-error.ts';
import { normaliseResource } from './resource.ts';

const makerOf =
  (type: Resource['type']) =>
  (value: string): Resource =>
    unwrap(normaliseResource(Object.freeze({ type, value })));

/** `ResourceType.mac('AA-BB-CC-00-11-22')`: a frozen Resource. Throws IpPoolError (InvalidRequest) for an empty value or a MAC that is none. */
export const ResourceType = Object.freeze({
  mac: makerOf('mac'),
  vm: makerOf('vm'),
  container: makerOf('container'),
  pod: makerOf('pod'),
  custom: makerOf('custom'),
});
