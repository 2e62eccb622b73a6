import type { LookupFunction } from 'node:net';
import { http, type HttpStepOptions, Item, Outcome } from 'batchx';
import { from, type Subscription } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Events } from '../../src/core/events.js';
import { Connections } from '../../src/core/http/connections.js';
import { Clock } from '../core/policy/play.js';
import type { FakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { ask, askOne, atOnce, endOf, fakeApi, webRuntime } from './http-helpers.js';

/** Items on their way to real servers, on a clock that stands until it is told. */
class Play {
  readonly clock = new Clock();
  readonly runtime = this.clock.runtime({ random: () => 0 });
  readonly out: Item[] = [];
  readonly apis: readonly FakeApi[];
  done = false;
  readonly subscription: Subscription;

  constructor(request: string, values: unknown[], options: HttpStepOptions, ...apis: FakeApi[]) {
    this.apis = apis;
    this.subscription = from(values.map((data, seq) => Item.of(data, { seq })))
      .pipe(http(request, { allowPrivate: true, ...options }, this.runtime))
      .subscribe({ next: (item) => this.out.push(item), complete: () => (this.done = true) });
  }

  /**
   * Lets the clock go to a time, and what has been begun come to its end: until so many requests have come, and no more
   * come soon.
   */
  async until(time: number, ...counts: number[]): Promise<void> {
    const seen = async (): Promise<number[]> => {
      await this.clock.play(time);
      return this.apis.map(({ arrivals, running }) => (running > 0 ? NaN : arrivals.length));
    };
    await expect.poll(seen, { interval: 3, timeout: 5000 }).toEqual(counts);
    for (let turn = 0; turn < 10; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      expect(await seen()).toEqual(counts);
    }
  }

  end(): void {
    this.subscription.unsubscribe();
    endOf(this.runtime);
  }
}

const urls = (counts: readonly (readonly [FakeApi, number])[]) =>
  counts.flatMap(([api, count]) => Array.from({ length: count }, (_, n) => ({ url: `${api.url}/ok?${n}` })));

describe('an answer that says when to come back', () => {
  it.each([
    ['without a rate', {}],
    ['with a rate', { rate: { limit: 1000, burst: 10 } }],
  ])('pauses all calls to its host, and no other host, %s', async (_, rate) => {
    const [busy, other] = [await fakeApi(), await fakeApi()];
    busy.script('/ok', [{ status: 429, headers: { 'retry-after': '10' } }]);
    const options = { concurrency: 1, retry: 3, ...rate };
    const play = new Play(
      '{{ url }}',
      urls([
        [busy, 3],
        [other, 2],
      ]),
      options,
      busy,
      other,
    );
    // A wait of over a second gives the slot to the others.
    await play.until(0, 1, 2);
    await play.until(9999, 1, 2);
    await play.until(12_000, 4, 2);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out.map(({ error }) => error)).toEqual(Array(5).fill(undefined));
    play.end();
  });

  it('pauses the server that has said so, where a redirect leads to another one', async () => {
    const [first, other] = [await fakeApi(), await fakeApi()];
    other.script('/ok', [{ status: 429, headers: { 'retry-after': '10' } }]);
    const redirect = { url: `${first.url}/to?location=${encodeURIComponent(`${other.url}/ok`)}` };
    const values = [redirect, ...urls([[first, 2] as const, [other, 2] as const]), redirect];
    const play = new Play('{{ url }}', values, { concurrency: 1, redirects: 1, breaker: false }, first, other);
    await play.until(0, 4, 1);
    await play.until(9999, 4, 1);
    await play.until(12_000, 5, 5);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out.map(({ error }) => error)).toEqual(Array(6).fill(undefined));
    play.end();
  });

  it('does so for one whose redirect has done what was asked for, and leaves that in doubt', async () => {
    const [first, other] = [await fakeApi(), await fakeApi()];
    other.script('/ok', [{ status: 429, headers: { 'retry-after': '10' } }]);
    const redirect = { url: `${first.url}/to?status=303&location=${encodeURIComponent(`${other.url}/ok`)}` };
    const values = [redirect, ...urls([[other, 1]])];
    const play = new Play('POST {{ url }}', values, { concurrency: 1, redirects: 1 }, first, other);
    await play.until(9999, 1, 1);
    await play.until(12_000, 1, 2);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out.map((item) => Outcome.of(item).status)).toEqual(['in-doubt', 'ok']);
    play.end();
  });

  it('gives up a call that waits for that after a redirect when its time is over', async () => {
    const [first, other] = [await fakeApi(), await fakeApi()];
    other.script('/ok', [{ status: 429, headers: { 'retry-after': '10' } }]);
    const redirect = { url: `${first.url}/to?location=${encodeURIComponent(`${other.url}/ok`)}` };
    const values = [...urls([[other, 1]]), redirect];
    const play = new Play('{{ url }}', values, { concurrency: 1, redirects: 1, timeout: '2s' }, first, other);
    await play.until(1000, 1, 1);
    await play.until(11_000, 1, 2);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out.map(({ error }) => error?.message)).toEqual([
      `GET ${other.url}/ok: took longer than 2s`,
      undefined,
    ]);
    play.end();
  });

  it('is waited for without retries too, unless it asks for too much', async () => {
    const api = await fakeApi();
    const asking = (seconds: string) => ({ status: 429, headers: { 'retry-after': seconds } });
    api.script('/ok', [asking('10'), { body: { ok: true } }, asking('7200')]);
    const play = new Play(`POST ${api.url}/ok`, [1, 2], { concurrency: 1, json: {} }, api);
    await play.until(9999, 1);
    await play.until(12_000, 3);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out.map(({ error }) => error?.message)).toContain(undefined);
    const failed = play.out.find(({ error }) => error !== undefined);
    expect(failed!.error!.message).toMatch(/answered 429 .*; asked to wait 2h, more than `maxRetryAfter` 10m$/);
    play.end();
  });

  it('holds those that wait for a permit by then', async () => {
    const api = await fakeApi();
    api.script('/ok', [503, { status: 503, headers: { 'retry-after': '30' } }]);
    const play = new Play(
      `${api.url}/ok`,
      [1, 2, 3, 4],
      { concurrency: 4, rate: '1/s', retry: { retries: 3, initial: '0ms' } },
      api,
    );
    await play.until(0, 1);
    await play.until(1010, 2);
    await play.until(31_000, 2);
    await play.until(60_000, 6);
    await expect.poll(() => play.done).toBe(true);
    play.end();
  });

  it('costs no attempts, for a POST too', async () => {
    const api = await fakeApi();
    api.script('/ok', Array(6).fill({ status: 429, headers: { 'retry-after': '1' } }));
    const play = new Play(`POST ${api.url}/ok`, [1], { json: {}, retry: { retries: 1 } }, api);
    await play.until(60_000, 7);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out[0]!.error).toBeUndefined();
    play.end();
  });

  it('ends nothing that waits when the stream is left', async () => {
    const api = await fakeApi();
    api.script('/ok', [{ status: 429, headers: { 'retry-after': '10' } }]);
    const play = new Play(`${api.url}/ok`, [1, 2, 3], { concurrency: 1, retry: 3 }, api);
    await play.until(100, 1);
    play.end();
    await play.until(60_000, 1);
    expect(play.clock.scheduler.actions.filter(({ closed }) => !closed)).toEqual([]);
  });
});

describe('the breaker', () => {
  it('is on, for each host', async () => {
    const [down, up] = [await fakeApi(), await fakeApi()];
    down.script('/ok', [500], { repeat: true });
    const play = new Play(
      '{{ url }}',
      urls([
        [down, 15],
        [up, 15],
      ]),
      { concurrency: 1 },
      down,
      up,
    );
    // The eleventh call waits for the breaker to let it try.
    await play.until(29_000, 10, 15);
    await play.until(36_000, 13, 15);
    play.end();
  });

  it('is off when the user says so', async () => {
    const api = await fakeApi();
    api.script('/ok', [500], { repeat: true });
    expect(await ask(`${api.url}/ok`, Array(15).fill(1), { breaker: false })).toHaveLength(15);
    expect(api.arrivals).toHaveLength(15);
  });
});

describe('a rate', () => {
  it.each([
    { limit: 5, burst: 5 },
    { limit: 20, burst: 1 },
  ])('of %j holds from the first request, whose connection takes its time', async (rate) => {
    const api = await fakeApi();
    const events = new Events();
    const slowly: LookupFunction = (_hostname, _options, callback) => {
      const found = (): void => (callback as (...args: unknown[]) => void)(null, [{ address: '127.0.0.1', family: 4 }]);
      setTimeout(found, 60);
    };
    const connections = new Connections(events, slowly);
    const runtime = webRuntime({ events, dispatcher: (guarded) => connections.get(guarded) });
    const { limit } = rate;
    const url = `http://shop.example:${api.port}/ok`;
    const items = await ask(url, Array(limit + 3).fill({}), { rate, concurrency: 20, allowPrivate: true }, runtime);
    expect(items.map(({ error }) => error)).toEqual(Array(limit + 3).fill(undefined));
    const times = api.arrivals.map(({ at }) => at);
    const apart = times.slice(limit).map((at, n) => at - (times[n] as number));
    expect(Math.min(...apart)).toBeGreaterThanOrEqual(1000);
  });
});

describe('what was not done', () => {
  it.each([408, 425, 503])('an answer of %i is tried again for any method', async (status) => {
    const api = await fakeApi();
    api.script('/ok', [status]);
    const item = await askOne(`POST ${api.url}/ok`, [{}], { json: {}, retry: atOnce });
    expect(item.error).toBeUndefined();
    expect(api.effects).toHaveLength(1);
  });

  it.each([
    ['GET', 3, 'failed'],
    ['PUT', 3, 'failed'],
    ['POST', 1, 'in-doubt'],
    ['PATCH', 1, 'in-doubt'],
  ])('is not known of a 500 to %s: %i attempts, and it is %s', async (method, count, status) => {
    const api = await fakeApi();
    api.script('/ok', [500], { repeat: true });
    const item = await askOne(`${method} ${api.url}/ok`, [{}], { retry: atOnce });
    expect(Outcome.of(item).status).toBe(status);
    expect(api.arrivals).toHaveLength(count);
  });

  it('is of no interest where the user says that it may be done twice', async () => {
    const api = await fakeApi();
    api.script('/ok', ['reset-before-headers']);
    const item = await askOne(`POST ${api.url}/ok`, [{}], { json: {}, retry: atOnce, effect: 'writes' });
    expect(item.error).toBeUndefined();
    expect(api.effects).toHaveLength(2);
  });
});

describe('how long it waits', () => {
  it('for an answer is 5 minutes for an attempt, on the clock of the run', async () => {
    const api = await fakeApi();
    api.script('/ok', ['never-answers'], { repeat: true });
    const play = new Play(`${api.url}/ok`, [1], {}, api);
    await expect.poll(() => api.running).toBe(1);
    await play.clock.play(299_000);
    expect(play.out).toEqual([]);
    await play.clock.play(301_000);
    await expect.poll(() => play.done).toBe(true);
    expect(play.out[0]!.error).toMatchObject({ code: 'timeout' });
    await api.opened(0);
    play.end();
  });

  it('is told with the request, without its secrets', async () => {
    const api = await fakeApi();
    api.script('/ok', ['never-answers', 'slow-drip']);
    const url = `${api.url.replace('//', '//me:secret@')}/ok?key=secret`;
    const late = await ask(url, [1, 2], { timeout: '100ms', concurrency: 1 });
    expect(late.map(({ error }) => [error!.code, error!.class, error!.message])).toEqual(
      Array(2).fill(['timeout', 'ambiguous', `GET ${api.url}/ok?...: took longer than 100ms`]),
    );
    api.script('/ok', ['never-answers']);
    const { error } = await askOne(url, [1], { deadline: '100ms' });
    expect(error).toMatchObject({ code: 'timeout', class: 'permanent' });
    expect(error!.message).toBe(`GET ${api.url}/ok?...: took longer than 100ms with its retries and waits`);
  });

  it('follows the time that an attempt may take', async () => {
    const api = await fakeApi();
    let answer = (): void => undefined;
    api.script('/ok', [({ response }) => void (answer = () => response.end('late'))]);
    const play = new Play(`${api.url}/ok`, [1], { timeout: '10m' }, api);
    await expect.poll(() => api.running).toBe(1);
    await play.clock.play(360_000);
    answer();
    await expect.poll(() => play.done).toBe(true);
    expect(play.out[0]!.data).toBe('late');
    play.end();
  });
});
