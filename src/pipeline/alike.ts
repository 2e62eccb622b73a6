import type { BatchxError, ErrorCode } from '../core/errors.js';
import type { Item } from '../core/item.js';
import { isPromiseLike } from '../core/promise.js';
import type { Applied } from '../core/step.js';

/** Told when calls of one step have failed alike, so often in a row as their error says. */
export type OnAlike = (error: BatchxError, times: number) => void;

/** Of so many servers it is known how calls to them fail. */
const SERVERS = 1000;

/** What is wrong with the data of an item says nothing of the calls that are made for others. */
const OF_DATA: ReadonlySet<ErrorCode> = new Set(['validation', 'encode', 'path', 'limit']);

/**
 * A step that tells when every further call of it would fail too, as those before it have: by its own calls alone, and of
 * those to several servers by those to one. An item for which one failure is enough is not failed by it: it stays pending,
 * as nothing is wrong with it, unless its call may have been done.
 */
export function tellingAlike(step: Applied, serverOf: ((item: Item) => string) | undefined, onAlike: OnAlike): Applied {
  const rows = new Map<string, { readonly key: string; readonly times: number }>();
  const over = (item: Item, next: Item | undefined): Item | undefined => {
    if (next === undefined) return undefined;
    const { error } = next;
    if (error === undefined && rows.size === 0) return next;
    if (error !== undefined && OF_DATA.has(error.code)) return next;
    const server = named(item, serverOf);
    const before = rows.get(server);
    rows.delete(server);
    if (error?.haltAfter === undefined) return next;
    const { code, message, haltAfter, haltKey = message } = error;
    const key = `${code}: ${haltKey}`;
    const times = before?.key === key ? before.times + 1 : 1;
    rows.set(server, { key, times });
    if (rows.size > SERVERS) rows.delete(rows.keys().next().value as string);
    if (times >= haltAfter) onAlike(error, times);
    return staysPending(error) ? undefined : next;
  };
  return (item, slot) => {
    const next = step(item, slot);
    return isPromiseLike<Item | undefined>(next) ? next.then((done) => over(item, done)) : over(item, next);
  };
}

/** Whether an item is left as it was by such a failure. */
const staysPending = ({ haltAfter, inDoubt }: BatchxError): boolean => haltAfter === 1 && !inDoubt;

function named(item: Item, serverOf: ((item: Item) => string) | undefined): string {
  try {
    return serverOf?.(item) ?? '';
  } catch {
    return '';
  }
}
