import { runPipeline } from 'batchx';
import { describe, expect, it } from 'vitest';
import type { FakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { fakeApi, webRuntime } from '../operators/http-helpers.js';
import { upTo } from '../operators/helpers.js';

/** What was under way when an answer was given may come a little later. */
const ON_THE_WAY = 60;

function run(file: object) {
  const runtime = webRuntime();
  const caps: number[] = [];
  runtime.events.on('batch:concurrency', ({ cap }) => caps.push(cap));
  return runPipeline({ output: [{ jsonl: '/dev/null' }], ...file }, {}, runtime).then((end) => ({ ...end, caps }));
}

const times = (api: FakeApi, path?: string): number[] =>
  api.arrivals.filter((arrival) => path === undefined || arrival.path === path).map(({ at }) => at);

const between = (all: readonly number[], from: number, to: number): number =>
  all.filter((at) => at > from && at < to).length;

describe('a server that asks to be left alone', () => {
  it.each([
    ['429', { status: 429, headers: { 'retry-after-ms': '1300' } }],
    ['503', { status: 503, headers: { 'retry-after-ms': '1300' } }],
  ])('is, by all steps and items, whatever their rates; others go on: %s', async (_, answer) => {
    const [busy, other] = [await fakeApi(), await fakeApi()];
    let told = 0;
    for (const path of [/^\/one\//, /^\/two\//]) busy.route('GET', path, () => ({ status: 200 }));
    // The latest route comes first.
    busy.route('GET', /^\/one\/40$/, ({ arrival }) => {
      if (told > 0) return { status: 200 };
      told = arrival.at;
      return answer;
    });
    const items = upTo(120).map((n) => ({ n, busy: n % 2 === 0 }));
    const get = (api: FakeApi, path: string, more: object) => ({ http: `GET ${api.url}/${path}`, as: 'none', ...more });
    const { counts } = await run({
      input: { items },
      rates: { slow: '40/s' },
      retry: 2,
      steps: [
        get(busy, 'one/{{ n }}', { when: 'data.busy', concurrency: 4, rate: '100/s', name: 'one' }),
        get(busy, 'two/{{ n }}', { when: 'data.busy', concurrency: 3, rate: 'slow', name: 'two' }),
        get(busy, 'two/{{ n }}', { when: 'data.busy', concurrency: 2, name: 'three' }),
        get(other, 'ok', { when: '!data.busy', concurrency: 2, rate: '60/s', name: 'four' }),
      ],
    });
    expect(counts).toMatchObject({ read: 120, ok: 120 });
    const all = times(busy);
    expect(between(all, 0, told)).toBeGreaterThan(20);
    expect(between(all, told + ON_THE_WAY, told + 1300)).toBe(0);
    expect(between(all, told + 1300, Infinity)).toBeGreaterThan(30);
    expect(busy.arrivals.filter(({ path }) => path.startsWith('/two')).length).toBe(120);
    // By its own clock, which began a little later.
    expect(between(times(other), told + ON_THE_WAY, told + 1300)).toBeGreaterThan(30);
  });
});

describe('a breaker that steps name', () => {
  it('is one for all of them, and another one for each server', async () => {
    const [down, up] = [await fakeApi(), await fakeApi()];
    down.script(
      '/ok',
      upTo(5).map(() => 500),
    );
    const { counts } = await run({
      input: { items: upTo(40).map((n) => ({ n, url: (n % 2 === 0 ? down : up).url })) },
      breakers: { shop: { window: 5, minCalls: 5, failureRate: '100%', open: '400ms' } },
      breaker: 'shop',
      steps: [
        { http: 'GET {{ url }}/ok', allowPrivate: true, as: 'none', concurrency: 1, name: 'one' },
        {
          http: 'GET {{ url }}/second',
          expect: [200, 404],
          allowPrivate: true,
          as: 'none',
          concurrency: 1,
          name: 'two',
        },
      ],
    });
    expect(counts).toMatchObject({ ok: 35, failed: 5 });
    const opened = times(down)[4] as number;
    expect(between(times(down), opened + ON_THE_WAY, opened + 400)).toBe(0);
    expect(times(down, '/second').every((at) => at > opened + 400)).toBe(true);
    expect(between(times(up), 0, opened + 400)).toBeGreaterThan(20);
  });
});

describe('a concurrency that is found out', () => {
  it('is as much as the server works on at once, as it sees itself', async () => {
    const api = await fakeApi();
    const seen: number[] = [];
    let free = 4;
    const waiting: (() => void)[] = [];
    api.route('GET', /^\/work$/, async () => {
      seen.push(api.running);
      if (free > 0) free--;
      else await new Promise<void>((go) => waiting.push(go));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
      return { status: 200 };
    });
    const { counts, caps } = await run({
      input: { items: upTo(400) },
      steps: [{ http: `GET ${api.url}/work`, as: 'none', concurrency: { max: 50, adaptive: true } }],
    });
    expect(counts.ok).toBe(400);
    const late = seen.slice(200).sort((a, b) => a - b);
    // Between as many as it works on and half as many again, but for now and then when it tries more.
    expect(late[late.length >> 1]).toBeGreaterThanOrEqual(3);
    expect(late[late.length >> 1]).toBeLessThanOrEqual(12);
    expect(Math.max(...late)).toBeLessThan(25);
    expect(caps.length).toBeGreaterThan(1);
  });

  it('is halved for all that is refused at once, and comes back below that', async () => {
    const api = await fakeApi();
    const refused: number[] = [];
    let n = 0;
    api.route('GET', /^\/few$/, async () => {
      n++;
      if (api.running > 6) {
        refused.push(n);
        return { status: 503 };
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
      return { status: 200 };
    });
    const { counts } = await run({
      input: { items: upTo(400) },
      breaker: false,
      retry: { retries: 20, initial: '5ms', max: '20ms' },
      steps: [{ http: `GET ${api.url}/few`, as: 'none', concurrency: { max: 50, adaptive: true } }],
    });
    expect(counts.ok).toBe(400);
    expect(refused.length).toBeLessThan(60);
  });
});
