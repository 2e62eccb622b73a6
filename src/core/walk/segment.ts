import { BatchxError, messageOf } from '../errors.js';
import { globExpression } from './glob-expression.js';

/** What stands between two slashes of a pattern: a name, a glob, or `**`, which is any number of folders. */
export type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'glob'; readonly glob: string }
  | { readonly kind: 'any' };

export const ANY: Segment = { kind: 'any' };

export function segmentOf(text: string): Segment {
  if (text === '**') return ANY;
  return isGlob(text) ? { kind: 'glob', glob: text } : { kind: 'name', name: text.replace(/\\(.)/gs, '$1') };
}

const isGlob = (text: string): boolean =>
  /[*?]|\[[!^]?(?:\][^\]]*|[^\]]+)\]|[@!+]\(.*\)/s.test(text.replace(/\\./gs, ''));

export const isHidden = (name: string): boolean => name.charCodeAt(0) === DOT;
const DOT = 46;

/** Whether a name matches a glob. */
export function compileGlob(glob: string, hidden: boolean): (name: string) => boolean {
  // What nearly all patterns end in needs no expression.
  const [, suffix] = /^\*([^\\*?[\](){}|@!+]*)$/.exec(glob) ?? [];
  if (suffix !== undefined) return (name) => name.endsWith(suffix) && (hidden || !isHidden(name));
  try {
    const expression = globExpression(glob, hidden);
    return (name) => expression.test(name);
  } catch (cause) {
    throw new BatchxError('usage', `\`${glob}\` is no pattern: ${messageOf(cause)}`, { cause });
  }
}
