/**
 * Replicas of 0.1.0 know of each other by `replicas` in the ConfigMap, and write the list that the nodes read of whom
 * they find there: the last of them to leave would leave an empty list behind, in the middle of an upgrade. So while
 * one of them is in there, we are too, as one more replica of theirs.
 */
type Data = Readonly<Record<string, string>>;

/** As 0.1.0 writes it: one whose count stands still for five minutes is gone to it. */
interface Replica {
  readonly urls: readonly string[];
  readonly count: number;
}

const OURS = 'berth-replica-leases';

/**
 * The data as 0.1.0 will find us in it with these addresses; with none, not any more. Its key goes with the last of its replicas.
 * @param now anything that grows: it counts us on where they had given us up
 */
export function tellEarlier(data: Data, urls: readonly string[], now: number): Data {
  const { replicas, ...rest } = data;
  const { [OURS]: ours, ...others } = parse(replicas);
  if (Object.keys(others).length === 0) return rest;
  if (urls.length === 0) return { ...rest, replicas: JSON.stringify(others) };
  if (ours?.urls.join() === urls.join()) return data;
  return { ...rest, replicas: JSON.stringify({ ...others, [OURS]: { urls, count: now } }) };
}

/** Where replicas of 0.1.0 say they are. */
export function earlierUrls(data: Data): readonly string[] {
  const { [OURS]: _, ...others } = parse(data['replicas']);
  return Object.values(others).flatMap(({ urls }) => urls);
}

/** What somebody else has written there counts as nothing. */
function parse(text: string | undefined): Readonly<Record<string, Replica>> {
  try {
    const entries = Object.entries(JSON.parse(text ?? '{}') as Record<string, Partial<Replica> | null>);
    return Object.fromEntries(entries.filter((entry): entry is [string, Replica] => Array.isArray(entry[1]?.urls)));
  } catch {
    return {};
  }
}
