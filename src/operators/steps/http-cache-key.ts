import type * as z from 'zod';
import type { Item } from '../../core/item.js';
import type { Runtime } from '../../core/runtime.js';
import type { httpOptions } from './http-options.js';
import { Requests } from './http-request.js';

/** Headers that say who asks, not what for. */
const OF_CALLER = /^(?:cookie|.*(?:authorization|api-?key|auth|token|secret|password|session|signature).*)$/i;

/** What the answer to a request depends on: its method, URL, body and headers, less those that are secrets. */
export function httpCacheKey(options: z.output<typeof httpOptions>, runtime: Runtime): (item: Item) => unknown {
  const { as, expect } = options;
  const requests = new Requests(options, runtime);
  return (item) => {
    const { method, url, body, headers } = requests.of(item);
    const told = Object.entries(headers).filter(
      ([name, value]) => !OF_CALLER.test(name) && runtime.redact(value) === value,
    );
    return { method, url: url.href, body, headers: Object.fromEntries(told), as, expect };
  };
}
