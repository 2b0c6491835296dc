/** A whole record of which a test says only what it is about. */
import { bindingName } from '../../src/core/binding-name.ts';
import type { BindingSpec } from '../../src/core/binding.ts';
import type { Stored } from '../../src/store/store.ts';

export const bindingSpec = (more: Partial<BindingSpec> = {}): BindingSpec => ({
  address: '10.0.0.1',
  pool: 'p',
  network: 'default',
  subinstance: 's',
  subid: 'web',
  slot: 0,
  resource: { type: 'custom', value: 'x' },
  attachments: [],
  boundAt: 0,
  cooldownSeconds: 0,
  stickySeconds: 0,
  ...more,
});

export function storedBinding(version: string, uid: string, more: Partial<BindingSpec> = {}): Stored<BindingSpec> {
  const spec = bindingSpec(more);
  return { name: bindingName(spec.network, spec.address), uid, version, spec };
}
