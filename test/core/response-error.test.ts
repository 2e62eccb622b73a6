import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AnswerLike, responseError } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { VirtualTimeScheduler } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { classOfStatus } from '../../src/core/status-class.js';

describe('the class of an answer', () => {
  const plain: [string, number[]][] = [
    ['unprocessed', [408, 425, 503]],
    ['throttled', [429]],
    ['transient', [500, 502, 504, 505, 507, 520, 529, 599]],
    ['permanent', [400, 401, 402, 403, 404, 405, 406, 409, 410, 413, 418, 422, 451, 499, 501, 301, 304, 200]],
  ];
  const table = plain.flatMap(([kind, statuses]) => statuses.map((status) => [status, kind] as const));
  it.each(table)('%d is %s', (status, kind) => {
    expect(classOfStatus(status)).toBe(kind);
  });

  it.each([
    [503, 'throttled'],
    [413, 'throttled'],
    [429, 'throttled'],
    [408, 'unprocessed'],
    [500, 'transient'],
    [529, 'transient'],
    [403, 'permanent'],
    [404, 'permanent'],
    [501, 'permanent'],
  ])('%d that says when to come back is %s', (status, kind) => {
    expect(classOfStatus(status, { retryAfter: 0 })).toBe(kind);
    expect(classOfStatus(status, { retryAfter: 5000 })).toBe(kind);
  });

  it.each([
    [503, 'unprocessed'],
    [413, 'unprocessed'],
    [429, 'throttled'],
  ])('%d that says so in a way that nobody can read is %s', (status, kind) => {
    expect(classOfStatus(status, { retryAfter: 'invalid' })).toBe(kind);
  });

  it.each(table)('%d with x-should-retry', (status, kind) => {
    expect(classOfStatus(status, { shouldRetry: false })).toBe('permanent');
    const usual = status >= 500 ? 'transient' : 'unprocessed';
    expect(classOfStatus(status, { shouldRetry: true })).toBe(kind === 'permanent' ? usual : kind);
  });
});

describe('responseError', () => {
  const answer = (parts: Partial<AnswerLike> = {}): AnswerLike => ({ status: 500, headers: {}, ...parts });

  it('says what was asked and what came', async () => {
    const body = '{\n  "error": "down"\n}\n';
    const busy = answer({ status: 503, statusText: 'Service Unavailable', url: 'https://a.example/b' });
    expect(await responseError(busy, { method: 'GET', body })).toMatchObject({
      code: 'http',
      class: 'unprocessed',
      retryAfterMs: undefined,
      message: 'GET https://a.example/b answered 503 Service Unavailable: { "error": "down" }',
    });
  });

  it.each([
    [{}, {}, 'the server answered 500'],
    [{ statusText: 'Oops' }, {}, 'the server answered 500 Oops'],
    [{ url: '' }, { method: 'PUT' }, 'PUT answered 500'],
    [{ url: 'https://a.example/' }, {}, 'https://a.example/ answered 500'],
    [{ url: 'https://a.example/b?key=secret&x=1#top' }, {}, 'https://a.example/b?... answered 500'],
    [{ url: 'https://me:secret@a.example/b' }, {}, 'https://a.example/b answered 500'],
    [{ url: 'https://a.example/b#secret' }, {}, 'https://a.example/b answered 500'],
    [{ url: 'https://a.example/b@c' }, {}, 'https://a.example/b@c answered 500'],
    [{ statusText: 'a\u001b[31m\nb' }, {}, 'the server answered 500 a [31m b'],
    [{}, { body: '' }, 'the server answered 500'],
    [{}, { body: ' \n ' }, 'the server answered 500'],
    [{}, { body: 'a\r\n\tb\u0000\u001b[2Jc' }, 'the server answered 500: a b [2Jc'],
    [{}, { body: 'x'.repeat(200) }, `the server answered 500: ${'x'.repeat(200)}`],
    [{}, { body: 'x'.repeat(201) }, `the server answered 500: ${'x'.repeat(200)}...`],
    [{}, { body: `${'x'.repeat(199)}😀😀` }, `the server answered 500: ${'x'.repeat(199)}...`],
  ])('%j with %j', async (parts, options, message) => {
    expect((await responseError(answer(parts), options)).message).toBe(message);
  });

  it('tells the wait that was asked for, by the clock of the runtime', async () => {
    const runtime = fakeRuntime({ scheduler: new VirtualTimeScheduler(), wallStart: Date.UTC(2026, 0, 27, 10) });
    const of = async (status: number, headers: Record<string, string>) => {
      const error = await responseError(answer({ status, headers }), {}, runtime);
      return [error.class, error.retryAfterMs];
    };
    expect(await of(429, { 'retry-after': '2' })).toEqual(['throttled', 2000]);
    expect(await of(429, {})).toEqual(['throttled', undefined]);
    expect(await of(503, { 'retry-after': 'Tue, 27 Jan 2026 10:00:07 GMT' })).toEqual(['throttled', 7000]);
    expect(await of(503, { 'retry-after': 'soon' })).toEqual(['unprocessed', undefined]);
    expect(await of(429, { 'x-ratelimit-reset': '3' })).toEqual(['throttled', 3000]);
    expect(await of(500, { 'x-ratelimit-reset': '3' })).toEqual(['transient', undefined]);
    expect(await of(500, { 'x-should-retry': 'false' })).toEqual(['permanent', undefined]);
    expect(await of(409, { 'X-Should-Retry': 'true' })).toEqual(['unprocessed', undefined]);
  });

  it('refuses options that it does not know', async () => {
    await expect(responseError(answer(), { methd: 'GET' } as object)).rejects.toThrow('responseError: ');
  });
});

describe('responseError of fetch', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });
  const serve = async (listener: RequestListener): Promise<string> => {
    server = createServer(listener);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  };

  it('reads the body of an answer', async () => {
    const url = await serve((_, response) => response.writeHead(429, { 'Retry-After': '1.5' }).end('slow\ndown'));
    const answer = await fetch(url);
    expect(await responseError(answer, { method: 'GET' })).toMatchObject({
      message: `GET ${url} answered 429 Too Many Requests: slow down`,
      class: 'throttled',
      retryAfterMs: 1500,
    });
    expect(answer.body?.locked).toBe(true);
  });

  it('reads an answer without a body', async () => {
    const url = await serve((_, response) => response.writeHead(404).end());
    expect((await responseError(await fetch(url))).message).toBe(`${url} answered 404 Not Found`);
    expect((await responseError(new Response(null, { status: 404 }))).message).toBe('the server answered 404');
  });

  it('reads no more than the beginning, and cancels the rest', async () => {
    let sent = 0;
    let closed = false;
    const url = await serve((_, response) => {
      response.on('close', () => (closed = true));
      response.writeHead(500);
      const more = (): void => {
        while (!closed && response.write('0123456789'.repeat(1000))) sent++;
      };
      response.on('drain', more);
      more();
    });
    const error = await responseError(await fetch(url));
    expect(error.message).toBe(`${url} answered 500 Internal Server Error: ${'0123456789'.repeat(20)}...`);
    await vi.waitFor(() => expect(closed).toBe(true));
    expect(sent).toBeLessThan(2000);
  });

  it('waits a second for a body that does not come, and gives it up', async () => {
    const scheduler = new VirtualTimeScheduler();
    let response: ServerResponse | undefined;
    let closed = false;
    const url = await serve((_, given) => {
      response = given.writeHead(500);
      response.on('close', () => (closed = true));
      response.write('begin');
    });
    const answer = await fetch(url);
    const error = responseError(answer, {}, fakeRuntime({ scheduler }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(scheduler.actions).toHaveLength(1);
    scheduler.flush();
    expect(scheduler.now()).toBe(1000);
    expect((await error).message).toMatch(/ answered 500 Internal Server Error(: begin)?$/);
    await vi.waitFor(() => expect(closed).toBe(true));
  });

  it('leaves no timer behind', async () => {
    const scheduler = new VirtualTimeScheduler();
    await responseError(new Response('no', { status: 500 }), {}, fakeRuntime({ scheduler }));
    expect(scheduler.actions).toEqual([]);
  });

  it('tells the status of an answer whose body breaks off', async () => {
    const url = await serve((_, response) => {
      response.writeHead(500, { 'content-length': '100' });
      response.write('begin', () => response.destroy());
    });
    expect((await responseError(await fetch(url))).message).toMatch(/ answered 500 Internal Server Error(: begin)?$/);
  });

  it('takes an answer whose body was read, or is given', async () => {
    const read = new Response('body', { status: 500 });
    const body = await read.text();
    expect((await responseError(read)).message).toBe('the server answered 500');
    expect((await responseError(read, { body })).message).toBe('the server answered 500: body');
    let cancelled = false;
    const stands = fakeRuntime({ scheduler: new VirtualTimeScheduler() });
    const stream = new ReadableStream({ cancel: () => void (cancelled = true) });
    const error = await responseError(new Response(stream, { status: 500 }), { body: 'known' }, stands);
    expect([error.message, cancelled]).toEqual(['the server answered 500: known', true]);
  });

  it('leaves out half a character at the end of what it reads', async () => {
    const bytes = new TextEncoder().encode(`${' '.repeat(2047)}é`);
    expect((await responseError(new Response(bytes, { status: 500 }))).message).toBe('the server answered 500');
    const parts = [bytes.subarray(2040, 2048), bytes.subarray(2048)];
    const stream = new ReadableStream({
      pull: (controller) => {
        const part = parts.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(part);
      },
    });
    expect((await responseError(new Response(stream, { status: 500 }))).message).toBe('the server answered 500: é');
  });
});
