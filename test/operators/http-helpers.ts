import { createRuntime, http, type HttpStepOptions, Item, type Runtime } from 'batchx';
import { from, lastValueFrom, toArray } from 'rxjs';
import { onTestFinished } from 'vitest';
import { type FakeApi, type FakeApiOptions, startFakeApi } from '../fixtures/fake-api/fake-api.mjs';

/** A server of its own for the test that runs. */
export async function fakeApi(options: FakeApiOptions = {}): Promise<FakeApi> {
  const api = await startFakeApi(options);
  onTestFinished(() => api.close());
  return api;
}

/** A runtime whose connections are closed after the test. */
export function webRuntime(parts: Partial<Runtime> = {}): Runtime {
  const runtime = createRuntime({ env: {}, ...parts });
  onTestFinished(() => endOf(runtime));
  return runtime;
}

/** The end of a run, which closes its connections. */
export const endOf = (runtime: Runtime): void => runtime.events.emit('batch:end', {});

/** Retries that do not wait. */
export const atOnce = { retries: 2, initial: '0ms' } as const;

/** What is told to come back later fails at once. */
export const noWaits = { retries: 0, maxThrottleWait: '0ms' } as const;

/** Makes a request for each value, and gives the items that come. */
export const ask = (
  request: string,
  values: unknown[] = [{}],
  options: HttpStepOptions = {},
  runtime: Runtime = webRuntime(),
): Promise<Item[]> =>
  lastValueFrom(
    from(values.map((data, seq) => Item.of(data, { seq, id: `#${seq}` }))).pipe(
      http(request, { ordered: true, breaker: false, ...options }, runtime),
      toArray(),
    ),
  );

/** What one request gives. */
export async function askOne(...given: Parameters<typeof ask>): Promise<Item> {
  const [item] = await ask(...given);
  return item as Item;
}
