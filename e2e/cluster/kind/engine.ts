/** The container engine under kind. */
import { execute, must } from '../../../cmd/dev/execute.ts';

export const ENGINE = 'docker';

/** Why it does not answer; undefined: it does. */
export async function whyNoEngine(): Promise<string | undefined> {
  try {
    const { code, stderr } = await execute(ENGINE, ['info'], { deadlineSeconds: 20 });
    return code === 0 ? undefined : stderr.trim().split('\n').at(-1) || `exit code ${code}`;
  } catch {
    return 'not installed';
  }
}

export const engine = (...args: string[]): Promise<string> => must(ENGINE, args, { deadlineSeconds: 120 });

/** For what may not be there. */
export const tryEngine = (...args: string[]): Promise<unknown> => execute(ENGINE, args, { deadlineSeconds: 120 });

export interface Endpoint {
  readonly IPAddress: string;
  readonly GlobalIPv6Address: string;
  readonly MacAddress: string;
}

export interface Container {
  /** 0 when it does not run. */
  readonly State: { readonly Pid: number };
  /** By the network's name. */
  readonly NetworkSettings: { readonly Networks: Readonly<Record<string, Endpoint>> };
}

export async function inspect(container: string): Promise<Container> {
  return (JSON.parse(await engine('inspect', container)) as [Container])[0];
}
