/** A listing that is printed while it is read: nobody waits for the last of 100,000 records to see the first. */
import { listParts } from './documents.ts';
import { printListing, type Listing, type Printer } from './printer.ts';

/** What fits in one page is printed as any listing. Returns how many there were. */
export async function printPages<T extends object>(
  printer: Printer,
  { pages, ...listing }: Omit<Listing<T>, 'items' | 'single'> & { readonly pages: AsyncIterable<readonly T[]> },
): Promise<number> {
  const { format } = printer;
  const parts = format === 'json' || format === 'yaml' ? listParts[format] : undefined;
  let held: readonly T[] | undefined;
  let count = 0;
  let widths: readonly number[] | undefined;
  const print = async (items: readonly T[], isFirst: boolean): Promise<void> => {
    if (parts !== undefined) printer.raw((isFirst ? parts.head : parts.between) + (await parts.page(items)));
    else if (format === 'name') items.forEach((item) => printer.line(listing.name(item)));
    else widths = printer.table(listing.table(items, format === 'wide'), widths);
  };
  // One page behind, to know whether there is only one.
  for await (const page of pages) {
    if (held !== undefined) await print(held, count === held.length);
    held = page;
    count += page.length;
  }
  if (held === undefined || count === held.length) await printListing(printer, { ...listing, items: held ?? [] });
  else {
    await print(held, false);
    if (parts !== undefined) printer.raw(parts.tail);
  }
  return count;
}

export async function* inPages<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < size) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
