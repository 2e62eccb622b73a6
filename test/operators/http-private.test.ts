import type { LookupFunction } from 'node:net';
import { Events } from '../../src/core/events.js';
import { isPublicAddress } from '../../src/core/http/addresses.js';
import { Connections } from '../../src/core/http/connections.js';
import { describe, expect, it } from 'vitest';
import { ask, askOne, fakeApi, webRuntime } from './http-helpers.js';
import { show } from './helpers.js';

const refused = /is not on the public internet, and came from data: `allowPrivate` allows that$/;

it.each([
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::10.0.0.1',
  '64:ff9b:1::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:a9fe:a9fe::1',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'fc00::1',
  'fd00:ec2::254',
  'ff02::1',
  '100::1',
  '3fff::1',
  'localhost',
  '',
  '127.1',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

it.each([
  '1.1.1.1',
  '8.8.8.8',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.1.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001::1',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
  '2002:808:808::1',
  '2001:4860:4860::8888',
])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

describe('a host that comes from data', () => {
  it.each([
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '0',
    '0177.0.0.1',
    '169.254.169.254',
    '10.255.255.1',
  ])('and is %s is refused, as it is and in a URL', async (host) => {
    const api = await fakeApi();
    for (const url of [`http://${host}:${api.port}/ok`, `http://${host}:${api.port}`]) {
      const item = await askOne('{{ url }}', [{ url }], { timeout: '1s', retry: 2 });
      expect(item.error).toMatchObject({ code: 'http', class: 'permanent', inDoubt: false });
      expect(item.error!.message).toMatch(refused);
    }
    if (!host.startsWith('[')) {
      const item = await askOne(`http://{{ host }}:${api.port}/ok`, [{ host }], { timeout: '1s' });
      expect(item.error!.message).toMatch(refused);
    }
    expect(api.connections).toBe(0);
  });

  it('is allowed when the pipeline says so, or names it itself', async () => {
    const api = await fakeApi();
    const data = [{ url: `${api.url}/ok`, host: '127.0.0.1' }];
    expect(show(await askOne('{{ url }}', data, { allowPrivate: true }))).toEqual({ ok: true });
    expect(show(await askOne(`${api.url}/ok?{{ host }}`, data))).toEqual({ ok: true });
    const runtime = webRuntime({ context: { config: { base: api.url } } });
    expect(show(await askOne('{{ config.base }}/ok', data, {}, runtime))).toEqual({ ok: true });
  });

  it('is one even when a field of the data is called as what the pipeline has', async () => {
    const api = await fakeApi();
    const runtime = webRuntime({ context: { config: { base: 'https://shop.example' } } });
    const item = await askOne('{{ config.base }}/ok', [{ config: { base: api.url } }], {}, runtime);
    expect(item.error!.message).toMatch(refused);
    const liquid = await askOne('{{ config["base"] }}/ok', [{ config: { base: api.url } }], {}, runtime);
    expect(liquid.error!.message).toMatch(refused);
  });

  it('does not go over a connection that another one has opened', async () => {
    const api = await fakeApi();
    const runtime = webRuntime();
    expect(show(await askOne(`${api.url}/ok`, [{}], {}, runtime))).toEqual({ ok: true });
    const item = await askOne('{{ url }}', [{ url: `${api.url}/ok` }], {}, runtime);
    expect(item.error!.message).toMatch(refused);
    expect(api.arrivals).toHaveLength(1);
  });

  it.each(['file:///etc/passwd', 'ftp://a.example/', 'data:,x', 'javascript:1', 'nothing', ''])(
    'and is the URL %j is refused',
    async (url) => {
      const item = await askOne('{{ url }}', [{ url }]);
      expect(item.error).toMatchObject({ code: 'encode', class: 'permanent' });
    },
  );
});

describe('a name', () => {
  /** Names that are resolved to what a test says, another one each time. */
  const resolving = (...answers: string[][]): LookupFunction => {
    let times = 0;
    return (_hostname, options, callback) => {
      const found = (answers[Math.min(times++, answers.length - 1)] as string[]).map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      }));
      setImmediate(() => {
        if (options.all === true) (callback as (error: null, found: object[]) => void)(null, found);
        else callback(null, found[0]!.address, found[0]!.family);
      });
    };
  };
  const runtimeWith = (lookup: LookupFunction) => {
    const events = new Events();
    const connections = new Connections(events, lookup);
    return webRuntime({ events, dispatcher: (guarded) => connections.get(guarded) });
  };

  it('that leads to a private address is refused when it comes from data, and not when it is written', async () => {
    const api = await fakeApi();
    const runtime = runtimeWith(resolving(['127.0.0.1']));
    const url = `http://rebind.example:${api.port}/ok`;
    const item = await askOne('{{ url }}', [{ url }], {}, runtime);
    expect(item.error!.message).toContain('rebind.example (127.0.0.1) is not on the public internet');
    expect(api.connections).toBe(0);
    expect(show(await askOne(url, [{}], {}, runtime))).toEqual({ ok: true });
  });

  it('that is resolved to another address the next time is of no use', async () => {
    const api = await fakeApi();
    // Nobody answers at the public one; whatever is asked next, the private one is never connected to.
    const runtime = runtimeWith(resolving(['192.0.2.1', '127.0.0.1'], ['127.0.0.1'], ['::ffff:127.0.0.1', '::1']));
    const items = await ask(
      '{{ url }}',
      [1, 2, 3].map(() => ({ url: `http://rebind.example:${api.port}/ok` })),
      { concurrency: 1, timeout: '90ms' },
      runtime,
    );
    expect(items.map(({ error }) => error === undefined)).toEqual([false, false, false]);
    expect(api.connections).toBe(0);
  });
});

describe('a redirect', () => {
  it('to another host is not followed to a private address, but to the same host it is', async () => {
    const api = await fakeApi();
    const other = await fakeApi({ host: '127.0.0.2' });
    const to = (location: string) => `${api.url}/to?status=302&location=${encodeURIComponent(location)}`;
    for (const location of [
      `${other.url}/ok`,
      `http://localhost:${api.port}/ok`,
      `http://[::ffff:127.0.0.2]:${other.port}/ok`,
    ]) {
      const item = await askOne(to(location), [{}], { redirects: 1 });
      expect(item.error!.message).toMatch(refused);
    }
    expect(other.connections).toBe(0);
    expect(show(await askOne(to(`${api.url}/ok`), [{}], { redirects: 1 }))).toEqual({ ok: true });
    expect(show(await askOne(to(`${other.url}/ok`), [{}], { redirects: 1, allowPrivate: true }))).toEqual({ ok: true });
  });
});
