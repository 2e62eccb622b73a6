import type { OperatorFunction } from 'rxjs';
import * as z from 'zod';
import { adaptiveOf, concurrencyOptions, type ConcurrencyOptions } from '../../core/concurrency.js';
import { cacheOf, cacheOption } from '../../core/cache/cache.js';
import { appliedThrough } from '../../core/cache/cached-step.js';
import { defineStep } from '../../core/define.js';
import { loadClient } from '../../core/http/connections.js';
import type { Item } from '../../core/item.js';
import { attempts } from '../../core/policy/attempts.js';
import { weighing } from '../../core/policy/cost.js';
import { policiesWith, policyOptions } from '../../core/policy/policy-options.js';
import { defaultRuntime, type Runtime } from '../../core/runtime.js';
import { parseOptions } from '../../core/schema.js';
import { stage } from '../../core/stage.js';
import { httpCacheKey } from './http-cache-key.js';
import { HttpCalls } from './http-calls.js';
import { httpOptions } from './http-options.js';
import { costBy } from './http-rules.js';
import { type ItemRequest, Requests } from './http-request.js';

const { request: _, ...ownShape } = httpOptions.shape;

const operatorOptions = z.strictObject({
  ...ownShape,
  ...concurrencyOptions.shape,
  ...policyOptions.shape,
  cache: cacheOption(),
  effect: policyOptions.shape.effect.unwrap().optional(),
});

export type HttpStepOptions = z.input<typeof operatorOptions>;

/**
 * Makes a request over HTTP for each item, at most `concurrency` at once: the body of the answer becomes the data.
 *
 * `{{ name }}` stands for a value of the item, encoded for where it stands: in the URL no value can leave its place, and
 * in `json` one that stands alone keeps its kind. A body that is JSON by its type is parsed. `metadata.http` tells the
 * `status`. An answer that is not as `expect` and `success` say fails the item; redirects are followed only when
 * `redirects` says so.
 *
 * What is tried again, with `retry`, goes by how far the request had come: when nothing had been sent, or the answer
 * says that nothing was done, any request is; one that may have been done is repeated when that does no harm - GET, HEAD,
 * PUT, DELETE, OPTIONS, with an `idempotencyKey`, or with `effect: 'writes'` - and ends in doubt otherwise. Each host has
 * a circuit breaker, unless `breaker` is false, and is left alone by all calls for as long as an answer of 429 or 503 says,
 * which is waited for without `retry` too.
 * An attempt may take 5 minutes unless `timeout` says otherwise; then its connection is closed. A body longer than
 * `maxBody` is refused, packed or not. Where the host comes from data, or from a redirect, only addresses of the public
 * internet are connected to, unless `allowPrivate`. With `cache` a request that has been
 * made is not made again, whoever asks. Results come as they are done, or in the order of the source with
 * `ordered`.
 *
 * ```
 * source    -a----b----c--|      b: 404
 * http      ---A----x----C-|     x is the item b with an error
 * ```
 *
 * @example
 * import { http, jsonl, toJsonl } from 'batchx';
 *
 * const update = http('PUT https://shop.example/api/products/{{ sku }}', {
 *   headers: { authorization: `Bearer ${process.env.SHOP_TOKEN ?? ''}` },
 *   json: { price: '{{ price }}' },
 *   concurrency: 10,
 *   rate: '2/s',
 *   retry: 3,
 * });
 * jsonl<{ sku: string; price: number }>('prices.jsonl').pipe(update, toJsonl('updated.jsonl')).subscribe();
 */
export function http(
  request: string,
  options: HttpStepOptions = {},
  runtime: Runtime = defaultRuntime(),
): OperatorFunction<Item, Item> {
  const parsed = parseOptions(operatorOptions, options, 'http');
  const { concurrency, ordered, maxWaiting, stop = runtime.stopping, ...others } = parsed;
  const { timeout, deadline, rate, breaker, retry, effect, cache, ...own } = others;
  const ownOptions = parseOptions(httpOptions, { ...own, request }, 'http');
  const run = httpStep.create(ownOptions, runtime);
  const said = { timeout, deadline, rate, breaker, retry, effect };
  const tried = policiesWith(policiesFor(ownOptions, runtime), said, runtime, 'http');
  const cost = costBy(ownOptions);
  const { limiter } = tried;
  const weighed = cost !== undefined && limiter?.weighs === true ? weighing(cost, limiter) : undefined;
  const policies = { ...tried, ...weighed, adaptive: adaptiveOf({ concurrency }) };
  const caps = { concurrency, ordered, maxWaiting, stop } as ConcurrencyOptions;
  const call = attempts(run, policies, runtime);
  return stage([appliedThrough(cacheOf(cache, runtime), call, httpStep, ownOptions, runtime)], caps, 'http');
}

/** So long an attempt may take unless said. */
const TIMEOUT = '5m';

const policiesFor = (options: z.output<typeof httpOptions>, runtime: Runtime) => {
  const requests = new Requests(options, runtime);
  const once = (requests.method === 'POST' || requests.method === 'PATCH') && options.idempotencyKey === undefined;
  const effect: 'once' | 'writes' = once ? 'once' : 'writes';
  return { timeout: TIMEOUT, breaker: true, effect, server: requests.serverOf };
};

export const httpStep = defineStep({
  name: 'http',
  main: 'request',
  status: 'stable',
  summary: 'Makes a request over HTTP for each item.',
  gives: 'item',
  output: 'result',
  workers: 4,
  reachesOut: true,
  load: loadClient,
  options: httpOptions,
  examples: [
    {
      title: 'A price for each row',
      options: { request: 'PUT https://shop.example/api/{{ sku }}', json: { price: '{{ price }}' } },
    },
    {
      title: 'An API that says in a 200 that it was too much',
      options: {
        request: 'POST https://shop.example/graphql',
        json: { query: '{ shop { name } }' },
        throttled: "response.body.errors?.some((error) => error.extensions?.code === 'THROTTLED')",
        success: '!response.body.errors',
        cost: 'response.body.extensions?.cost?.actualQueryCost',
      },
    },
  ],
  policies: policiesFor,
  cost: costBy,
  cacheKey: httpCacheKey,
  tell: (options, runtime) => {
    const requests = new Requests(options, runtime);
    return (item) => told(requests.of(item));
  },
  create: (options, runtime) => new HttpCalls(options, runtime).run,
});

/** So much of a body is told. */
const TOLD = 200;

/** A request in a line: its method, where it goes to, and the beginning of its body. */
function told({ method, url, body }: ItemRequest): string {
  const text = body === undefined ? '' : ` ${Buffer.from(body).toString().slice(0, TOLD)}`;
  return `${method} ${String(url)}${text}`;
}
