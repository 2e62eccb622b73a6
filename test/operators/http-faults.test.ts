import { createServer, type Server } from 'node:net';
import { http, type HttpStepOptions, Item, Outcome } from 'batchx';
import { from } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { faults, startFakeApi, type FakeApi } from '../fixtures/fake-api/fake-api.mjs';
import { ask, askOne, atOnce, endOf, fakeApi, webRuntime } from './http-helpers.js';
import { show, upTo } from './helpers.js';

/** How each way to misbehave ends: its class, its code, and what the message says. */
const ends: Record<string, readonly ['ambiguous' | 'permanent', string, RegExp]> = {
  'reset-at-once': ['ambiguous', 'http', /ECONNRESET|closed before the answer/],
  'close-at-once': ['ambiguous', 'http', /ECONNRESET|closed before the answer/],
  'reset-before-headers': ['ambiguous', 'http', /ECONNRESET|closed before the answer/],
  'close-before-headers': ['ambiguous', 'http', /closed before the answer was complete/],
  'reset-in-headers': ['ambiguous', 'http', /ECONNRESET|closed before the answer/],
  'close-in-headers': ['ambiguous', 'http', /closed before the answer/],
  'reset-in-body': ['ambiguous', 'http', /ECONNRESET|closed before the answer/],
  'close-in-body': ['ambiguous', 'http', /closed before the answer|not as long as/],
  'close-in-chunk': ['ambiguous', 'http', /closed before the answer/],
  'close-between-chunks': ['ambiguous', 'http', /closed before the answer/],
  'half-unframed': ['ambiguous', 'parse', /expected JSON/],
  'length-too-long': ['ambiguous', 'http', /not as long as its header says/],
  'length-no-number': ['ambiguous', 'http', /HTTP\/1.1 protocol/],
  'length-too-short': ['permanent', 'parse', /expected JSON/],
  'half-json': ['permanent', 'parse', /expected JSON/],
  garbage: ['ambiguous', 'http', /HTTP\/1.1 protocol/],
  'garbage-status': ['ambiguous', 'http', /HTTP\/1.1 protocol/],
  ssh: ['ambiguous', 'http', /HTTP\/1.1 protocol/],
  'huge-headers': ['permanent', 'http', /Headers Overflow/i],
  'many-headers': ['permanent', 'http', /Headers Overflow/i],
  continue: ['ambiguous', 'http', /closed before the answer/],
  upgrade: ['ambiguous', 'http', /closed before the answer/],
  'gzip-bomb': ['permanent', 'http', /a body of more than 1MB, packed as gzip/],
  'gzip-bomb-twice': ['permanent', 'http', /a body of more than 1MB, packed as gzip/],
  'gzip-broken': ['permanent', 'http', /a body that is not gzip/],
  'gzip-short': ['ambiguous', 'http', /ends before its gzip does/],
  endless: ['permanent', 'http', /a body of more than 1MB$/],
  flood: ['ambiguous', 'timeout', /no answer within 50ms/],
  'never-answers': ['ambiguous', 'timeout', /no answer within 50ms/],
  'slow-headers': ['ambiguous', 'timeout', /no answer within 50ms/],
  'stops-in-body': ['ambiguous', 'timeout', /nothing more of the body within 50ms/],
  'slow-drip': ['ambiguous', 'timeout', /took longer than 80ms/],
};

const options = (fault: string): HttpStepOptions => ({
  maxBody: '1MB',
  ...(fault === 'slow-drip'
    ? { timeout: '80ms' }
    : ends[fault]?.[1] === 'timeout' && { headersTimeout: '50ms', bodyTimeout: '50ms' }),
});

let api: FakeApi;
beforeAll(async () => {
  api = await startFakeApi();
});
afterAll(() => api.close());

describe.each(Object.entries(ends))('%s', (fault, [kind, code, message]) => {
  it('fails a GET, which is tried again when that may help, and leaves no connection', async () => {
    await api.opened(0);
    const runtime = webRuntime();
    const path = `/ok/${fault}`;
    api.route('*', new RegExp(`^${path}$`), () => ({ body: { ok: true } }));
    api.script(path, [fault, fault, fault]);
    const before = api.arrivals.length;
    const item = await askOne(`${api.url}${path}`, [{}], { retry: atOnce, ...options(fault) }, runtime);
    expect(item.error).toMatchObject({ class: kind, code, inDoubt: false });
    expect(item.error!.message).toMatch(message);
    expect(api.arrivals.length - before).toBe(kind === 'ambiguous' ? 3 : 1);
    api.script(path, [fault]);
    if (kind === 'ambiguous') {
      const again = await askOne(`${api.url}${path}`, [{}], { retry: atOnce, ...options(fault) }, runtime);
      expect(show(again)).toEqual({ ok: true });
    }
    endOf(runtime);
    await api.opened(0);
  });

  it('leaves a POST in doubt after one attempt, unless it has a key', async () => {
    await api.opened(0);
    const path = `/ok/post/${fault}`;
    api.route('*', new RegExp(`^${path}$`), () => ({ body: { ok: true } }));
    api.script(path, [fault]);
    const before = { arrivals: api.arrivals.length, effects: api.effects.length };
    const runtime = webRuntime();
    const asked = { retry: atOnce, json: {}, ...options(fault) };
    const once = await askOne(`POST ${api.url}${path}`, [{}], asked, runtime);
    expect(Outcome.of(once).status).toBe('in-doubt');
    expect(once.error!.message).toMatch(message);
    expect(api.arrivals.length - before.arrivals).toBe(1);
    if (kind === 'ambiguous') {
      api.script(path, [fault]);
      const done = api.effects.length;
      const keyed = await askOne(
        `POST ${api.url}${path}`,
        [{ id: 7 }],
        { ...asked, idempotencyKey: `${fault} {{ id }}` },
        runtime,
      );
      expect(show(keyed)).toEqual({ ok: true });
      expect(api.arrivals.slice(-2).map(({ key }) => key)).toEqual([`${fault} 7`, `${fault} 7`]);
      expect(api.effects.length - done).toBe(1);
    }
    endOf(runtime);
    await api.opened(0);
  });
});

it('every way to misbehave is tried here', () => {
  const fine = ['hints', '204-with-body', 'extra-answer', 'close-after', 'reset-after'];
  const answers = ['busy', 'busy-for-a-second', 'too-many', 'redirect'];
  expect(Object.keys(faults).toSorted()).toEqual([...Object.keys(ends), ...fine, ...answers].toSorted());
});

describe('what only looks like a fault', () => {
  it.each([
    ['hints', { ok: true }],
    ['204-with-body', null],
    ['extra-answer', {}],
    ['close-after', { ok: true }],
    ['reset-after', { ok: true }],
  ])('%s is taken for what it is, and so is the next answer', async (fault, expected) => {
    const own = await fakeApi();
    own.script('/ok', [fault, 'ok', fault]);
    const alone = await fakeApi();
    alone.script('/ok', [fault]);
    expect(show(await askOne(`${alone.url}/ok`))).toEqual(expected);
    const items = await ask(`${own.url}/ok`, [1, 2, 3, 4], { concurrency: 1, retry: atOnce });
    expect(items.map(show)).toEqual([expected, { ok: true }, expected, { ok: true }]);
  });
});

describe('before anything is sent', () => {
  /** A port that nobody listens to. */
  async function deadPort(): Promise<number> {
    const server = await listening((socket) => socket.destroy());
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  function listening(onSocket: Parameters<typeof createServer>[1]): Promise<Server> {
    const server = createServer({}, onSocket as never);
    onTestFinished(() => void server.close());
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
  }

  it('a connection that is refused is no doubt, and any call is tried again', async () => {
    const port = await deadPort();
    const seen: unknown[] = [];
    const runtime = webRuntime();
    runtime.events.on('batch:attempt', ({ error }) => seen.push(error));
    const item = await askOne(`POST http://127.0.0.1:${port}/`, [{}], { json: {}, retry: atOnce }, runtime);
    expect(item.error).toMatchObject({ class: 'transient', inDoubt: false });
    expect(item.error!.message).toBe(`POST http://127.0.0.1:${port}/: connect ECONNREFUSED 127.0.0.1:${port}`);
    expect(seen).toHaveLength(2);
    const named = await askOne(`POST http://localhost:${port}/`, [{}], { json: {} });
    expect(named.error!.message).toContain('ECONNREFUSED');
  });

  it('so is a name that is not known', async () => {
    const item = await askOne('POST http://nobody.invalid/', [{}], { json: {} });
    expect(item.error).toMatchObject({ class: 'transient', inDoubt: false });
    expect(item.error!.message).toMatch(/(ENOTFOUND|EAI_AGAIN) nobody.invalid/);
  });

  it('a server that does not speak TLS is the same each time, and no doubt', async () => {
    const server = await listening((socket) =>
      socket.on('error', () => undefined).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    const { port } = server.address() as { port: number };
    const item = await askOne(`POST https://127.0.0.1:${port}/ok`, [{}], { json: {}, retry: atOnce });
    expect(item.error).toMatchObject({ class: 'permanent', inDoubt: false, code: 'http' });
    expect(item.error!.message).toMatch(/SSL|TLS|EPROTO|wrong version/i);
  });

  it('one that hangs up in the handshake is tried again, also for a POST', async () => {
    let count = 0;
    const server = await listening((socket) => {
      count++;
      socket.on('error', () => undefined).once('data', () => socket.destroy());
    });
    const { port } = server.address() as { port: number };
    const item = await askOne(`POST https://127.0.0.1:${port}/`, [{}], { json: {}, retry: atOnce });
    expect(item.error).toMatchObject({ class: 'unprocessed', inDoubt: false });
    expect(count).toBe(3);
  });

  it('an attempt that takes too long while it connects was not made', async () => {
    // A server that accepts, and never says anything: the handshake has no end.
    const server = await listening((socket) => socket.resume());
    const { port } = server.address() as { port: number };
    const runtime = webRuntime();
    const item = await askOne(`POST https://127.0.0.1:${port}/`, [{}], { json: {}, timeout: '50ms' }, runtime);
    expect(item.error).toMatchObject({ code: 'timeout', class: 'unprocessed', inDoubt: false });
    const open = (): Promise<number> => new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
    expect(await open()).toBe(1);
    endOf(runtime);
    await expect.poll(open).toBe(0);
  });
});

describe('whatever ends a request', () => {
  const lasting = ['never-answers', 'flood', 'slow-drip', 'stops-in-body', 'endless'];

  it.each(lasting)('%s: leaves no connection when an attempt takes too long', async (fault) => {
    const own = await fakeApi();
    own.script('/ok', [fault], { repeat: true });
    const items = await ask(`${own.url}/ok`, upTo(3), { concurrency: 3, timeout: '80ms', maxBody: '1GB' });
    expect(items.map(({ error }) => error?.code)).toEqual(['timeout', 'timeout', 'timeout']);
    await own.opened(0);
  });

  it.each(lasting)('%s: leaves no connection when nobody wants the answer any more', async (fault) => {
    const own = await fakeApi();
    own.script('/ok', [fault], { repeat: true });
    const runtime = webRuntime();
    const asked = from(upTo(3).map((n) => Item.of(n)))
      .pipe(http(`${own.url}/ok`, { maxBody: '1GB' }, runtime))
      .subscribe();
    await expect.poll(() => own.running).toBe(3);
    asked.unsubscribe();
    await own.opened(0);
  });

  it.each(['endless', 'gzip-bomb', 'huge-headers', 'garbage', 'half-unframed'])(
    '%s: leaves no connection when the answer is refused',
    async (fault) => {
      const own = await fakeApi();
      own.script('/ok', [fault], { repeat: true });
      const runtime = webRuntime();
      const items = await ask(`${own.url}/ok`, upTo(3), { concurrency: 3, maxBody: '1MB' }, runtime);
      expect(items.map(({ error }) => error?.class)).not.toContain(undefined);
      if (fault === 'gzip-bomb') endOf(runtime); // that one was read to its end
      await own.opened(0);
    },
  );

  it('closes what is idle with the end of the run, and begins anew for the next one', async () => {
    const own = await fakeApi();
    const runtime = webRuntime();
    await ask(`${own.url}/ok`, upTo(8), { concurrency: 4 }, runtime);
    expect(own.open).toBeGreaterThan(0);
    expect(own.open).toBeLessThanOrEqual(8);
    endOf(runtime);
    await own.opened(0);
    expect((await ask(`${own.url}/ok`, [1], {}, runtime)).map(show)).toEqual([{ ok: true }]);
  });
});

it('takes a 304 that tells the length of what it does not send, and goes on', async () => {
  const server = createServer((socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: x\r\n\r\n')),
  );
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const items = await ask(`GET http://127.0.0.1:${port}/x`, [{}, {}], {
    expect: 304,
    as: 'response',
    allowPrivate: true,
    concurrency: 1,
  });
  expect(items.map(({ error, data }) => error?.message ?? (data as { status: number }).status)).toEqual([304, 304]);
});
