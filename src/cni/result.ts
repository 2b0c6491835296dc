/** What ADD prints: an IPAM plugin's abbreviated result (specification, section 5), per CNI version. */
import type { CniAddAnswer, CniAddress, Dns, Route } from '../protocol.ts';
import { isPlain, isText } from './plain.ts';
import { isAtLeast } from './versions.ts';

const ADDRESS = /^[0-9a-fA-F:.]+\/\d{1,3}$/;

/** Undefined for what is not an answer of the controller's: it is then as if none had come. */
export function readAddAnswer(value: unknown): CniAddAnswer | undefined {
  if (!isPlain(value) || !Array.isArray(value['addresses']) || value['addresses'].length === 0) return undefined;
  const addresses = value['addresses'] as readonly unknown[];
  const good = (one: unknown): boolean =>
    isPlain(one) && isText(one['address']) && ADDRESS.test(one['address']) && (one['gateway'] === undefined || isText(one['gateway']));
  const routes = (value['routes'] ?? []) as readonly unknown[];
  if (!addresses.every(good) || !Array.isArray(routes) || !routes.every((route) => isPlain(route) && isText(route['dst'])))
    return undefined;
  const dns = value['dns'];
  if (dns !== undefined && !isPlain(dns)) return undefined;
  return {
    addresses: addresses as readonly CniAddress[],
    routes: routes as readonly Route[],
    ...(dns === undefined ? {} : { dns: dns as Dns }),
  };
}

/** No `interfaces`, no `ips[].interface`: those are the main plugin's. `ips[].version` ended with 1.0.0. */
export function formatResult(answer: CniAddAnswer, cniVersion: string): string {
  const withFamily = !isAtLeast(cniVersion, '1.0.0');
  return JSON.stringify({
    cniVersion,
    ips: answer.addresses.map(({ address, gateway }) => ({
      ...(withFamily ? { version: address.includes(':') ? '6' : '4' } : {}),
      address,
      ...(gateway === undefined ? {} : { gateway }),
    })),
    ...(answer.routes.length === 0 ? {} : { routes: answer.routes.map((route) => formatRoute(route, cniVersion)) }),
    ...(answer.dns === undefined ? {} : { dns: answer.dns }),
  });
}

/** mtu, advmss, priority, table and scope came with 1.1.0. */
function formatRoute(route: Route, cniVersion: string): Route {
  if (isAtLeast(cniVersion, '1.1.0')) return route;
  return route.gw === undefined ? { dst: route.dst } : { dst: route.dst, gw: route.gw };
}
