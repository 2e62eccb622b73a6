import { runBatch, runPipeline } from 'batchx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeApi, Step } from '../fixtures/fake-api/fake-api.mjs';
import { fakeApi, webRuntime } from '../operators/http-helpers.js';
import { upTo } from '../operators/helpers.js';
import { startFakeApi } from '../fixtures/fake-api/fake-api.mjs';

const rows = (count: number, parts: object = {}) => upTo(count).map((n) => ({ n, ...parts }));

/** Runs steps over rows, one after another, and gives how that ended. */
function run(items: unknown[], steps: object[], more: object = {}) {
  const file = { input: { items }, concurrency: 1, steps, output: [{ jsonl: '/dev/null' }], ...more };
  return runPipeline(file, {}, webRuntime({ env: { PATH: process.env.PATH } }));
}

const get = (api: FakeApi, path: string, more: object = {}) => ({ http: `GET ${api.url}${path}`, ...more });

describe('what every further item would get too', () => {
  it.each<[string, Step, RegExp]>([
    ['401', 401, /look at the credentials that are sent to 127\.0\.0\.1:\d+, and run it again/],
    ['402', 402, /has nothing left: top it up/],
    ['a quota that is gone', { status: 429, body: { error: { code: 'insufficient_quota' } } }, /has nothing left/],
  ])('%s: halts at the first, whose item stays pending', async (_, step, advice) => {
    const api = await fakeApi();
    api.script('/ok', [200, 200, step, step, step, step]);
    const { counts, halted } = await run(rows(9), [get(api, '/ok?{{ n }}', { retry: 2 })]);
    expect(counts).toMatchObject({ ok: 2, failed: 0, pending: counts.read - 2 });
    expect(halted).toMatchObject({
      rule: undefined,
      counted: 1,
      error: { code: 'http', advice: expect.stringMatching(advice) as string },
    });
    expect(api.arrivals).toHaveLength(3);
  });

  it('leaves all calls pending that run by then and get the same', async () => {
    const api = await fakeApi();
    api.script('/ok', [401], { repeat: true });
    const { counts, halted } = await run(rows(50), [get(api, '/ok')], { concurrency: 5 });
    expect(counts).toMatchObject({ ok: 0, failed: 0, pending: counts.read });
    expect(api.arrivals).toHaveLength(5);
    expect(halted?.counted).toBe(1);
  });

  it('settles nothing of a batch, and of what was split, that it has met', async () => {
    const api = await fakeApi();
    api.script('/ok', [200, 401], { repeat: true });
    const batch = await run(rows(6), [{ batch: { size: 3 } }, get(api, '/ok')]);
    expect(batch.counts).toMatchObject({ read: 6, ok: 3, pending: 3 });
    api.script('/ok', [200, 401], { repeat: true });
    const split = await run([{ all: [1, 2, 3] }], [{ split: 'data.all' }, get(api, '/ok')]);
    expect(split.counts).toMatchObject({ read: 1, ok: 0, failed: 0, pending: 1 });
  });

  it('leaves one in doubt that may have been done', async () => {
    const api = await fakeApi();
    api.route('POST', /^\/pay$/, () => ({ status: 303, headers: { location: '/ok' } }));
    api.script('/ok', [401], { repeat: true });
    const { counts, halted } = await run(rows(3), [{ http: `POST ${api.url}/pay`, redirects: 1 }]);
    expect(counts).toMatchObject({ inDoubt: 1, failed: 0 });
    expect(halted?.counted).toBe(1);
  });

  it('ends nothing for a step that may fail', async () => {
    const api = await fakeApi();
    api.script('/ok', [401], { repeat: true });
    const { counts, halted } = await run(rows(3), [get(api, '/ok', { optional: true })], { mode: 'best-effort' });
    expect([counts.ok, halted]).toEqual([3, undefined]);
  });

  it('is told in code too', async () => {
    const api = await fakeApi();
    api.script('/ok', [200, 401], { repeat: true });
    const { total, succeeded, failed, pending, halted } = await runBatch(
      rows(4).map((data) => ({ data })),
      { concurrency: 1, steps: [get(api, '/ok')] },
      {},
      webRuntime(),
    );
    expect({ succeeded, failed, pending }).toEqual({ succeeded: 1, failed: 0, pending: total - 1 });
    expect(halted).toContain('answered 401');
  });
});

describe('five in a row', () => {
  it('of 403 halt, and have failed', async () => {
    const api = await fakeApi();
    api.script('/ok', [200, 403, 403, 200, ...upTo(9).map(() => 403)]);
    const { counts, halted } = await run(rows(20), [get(api, '/ok?{{ n }}')]);
    expect(counts).toMatchObject({ ok: 2, failed: 7 });
    expect(halted).toMatchObject({ counted: 5, error: { advice: expect.stringContaining('are good for') as string } });
  });

  it('are those of one host, whatever others answer meanwhile', async () => {
    const [good, bad] = [await fakeApi(), await fakeApi()];
    bad.script('/ok', [403], { repeat: true });
    const items = upTo(20).map((n) => ({ url: `${(n % 2 === 0 ? good : bad).url}/ok` }));
    const { counts, halted } = await run(items, [{ http: '{{ url }}', allowPrivate: true }]);
    expect([bad.arrivals.length, halted?.counted]).toEqual([5, 5]);
    expect(counts).toMatchObject({ ok: 5, failed: 5 });
  });

  it('are those of one step, whatever items do that it is not for', async () => {
    const steps = [{ exec: 'no-such-program', when: 'data.n % 2 == 0' }, { exec: 'true' }];
    // Else it is told before anything is started.
    steps[0] = { ...steps[0], exec: '{{ program }}' };
    const { counts, halted } = await run(rows(40, { program: 'no-such-program' }), steps);
    expect(halted).toMatchObject({
      counted: 5,
      error: { message: expect.stringContaining('no-such-program') as string },
    });
    expect(counts).toMatchObject({ ok: 4, failed: 5 });
  });

  it('of two steps are not added up', async () => {
    const api = await fakeApi();
    api.script('/ok', [403], { repeat: true });
    const steps = ['data.n % 2 == 0', 'data.n % 2 == 1'].map((when) => get(api, '/ok', { when }));
    const { counts } = await run(rows(20), steps);
    expect(counts.failed).toBe(9);
  });

  it.each(['exit 127', 'echo "for {{ n }}" >&2; exit 127', 'exit 126'])(
    'of %s halt, whatever they say',
    async (script) => {
      const { counts, halted } = await run(rows(20), [{ exec: ['sh', '-c', script] }]);
      expect(counts).toMatchObject({ ok: 0, failed: 5 });
      expect(halted?.error?.advice).toContain('install the program');
    },
  );

  it('is broken by one that fails otherwise, but not by data of which there is no call', async () => {
    const api = await fakeApi();
    api.script('/ok', [403, 403, 403, 403, 404, 403, 403, 403, 403]);
    expect((await run(rows(9), [get(api, '/ok')])).halted).toBeUndefined();
    api.script('/ok', [403], { repeat: true });
    const items = upTo(20).map((n) => ({ v: n % 2 === 0 ? 'ok' : 'two\nlines' }));
    const { halted, counts } = await run(items, [get(api, '/ok', { headers: { 'x-v': '{{ v }}' } })]);
    expect([halted?.counted, counts.failed]).toEqual([5, 9]);
  });
});

describe('data errors', () => {
  let api: FakeApi;
  beforeAll(async () => void (api = await startFakeApi()));
  afterAll(() => api.close());

  it.each<[string, object]>([
    ['expressions', { map: 'data.nothing.there' }],
    ['schemas', { validate: { type: 'object', required: ['x'] } }],
    ['contracts', { map: 'data', accepts: { type: 'string' } }],
    ['answers that are no JSON', { exec: 'echo {', stdout: 'json' }],
  ])('of %s never halt by themselves', async (_, step) => {
    const { counts, halted } = await run(rows(60), [step], { concurrency: 8 });
    expect([counts.failed, halted]).toEqual([60, undefined]);
  });

  it('nor do answers to one request, such as 400, 404 and 422', async () => {
    api.script('/ok', [400, 404, 422, 409, 410, 405], { repeat: true });
    const { counts, halted } = await run(rows(60), [get(api, '/ok', { breaker: false })], { concurrency: 8 });
    expect([counts.failed, halted]).toEqual([60, undefined]);
  });
});
