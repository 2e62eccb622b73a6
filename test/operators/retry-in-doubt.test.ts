import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  argumentsSource,
  BatchxError,
  csv,
  exec,
  filterItems,
  fromSource,
  Item,
  json,
  jsonl,
  lines,
  literals,
  retryInDoubt,
  retryInDoubtFlow,
  step,
  toFailed,
} from 'batchx';
import { fakeRuntime, marbles } from 'batchx/testing';
import { lastValueFrom, map, type Observable, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { fixture, temporaryFolder } from '../contract/temp.js';
import { show } from './helpers.js';

interface Row {
  readonly n: number;
}

const all = <T>(source: Observable<T>): Promise<T[]> => lastValueFrom(source.pipe(toArray()));
const cut = new BatchxError('http', 'POST /pay answered 502', { class: 'transient' });

/** Pays for the rows, and gives what became of them and what is in the file of dead letters then. */
async function pay(source: Observable<Item<Row>>, call: (row: Row) => unknown, path: string) {
  const runtime = fakeRuntime();
  const called: number[] = [];
  const tried = step<Row, unknown>(
    (row) => {
      called.push(row.n);
      return call(row);
    },
    { effect: 'once' },
    runtime,
  );
  const outcomes = await all(source.pipe(tried, toFailed(path, runtime)));
  return { called, outcomes, statuses: outcomes.map(({ status }) => status) };
}

const throws = (error: unknown) => (): never => {
  throw error;
};

describe('what an earlier run left in doubt', () => {
  const letters = async (): Promise<string> => {
    const path = join(temporaryFolder(), 'failed.jsonl');
    const rows = jsonl<Row>(fixture('{"n": 1.0}\n{"n": 2}\n'));
    const call = ({ n }: Row): never => throws(n === 1 ? cut : new BatchxError('http', 'no', { class: 'permanent' }))();
    expect((await pay(rows, call, path)).statuses).toEqual(['in-doubt', 'failed']);
    return path;
  };

  it('is told from what failed by its dead letter', async () => {
    const [doubtful, failed] = readFileSync(await letters(), 'utf8').split('\n');
    expect(doubtful).toMatch(/^\{"\$batchx":"failed","outcome":"in-doubt","id":.*,"data":\{"n": 1\.0\}\}$/);
    expect(failed).not.toContain('outcome');
    expect(JSON.parse(doubtful as string)).toMatchObject({ error: { code: 'http', message: cut.message } });
  });

  it('is not run again, says why, and stays in the file as it was, however often that is read', async () => {
    const path = await letters();
    const before = readFileSync(path, 'utf8').split('\n')[0];
    for (let n = 0; n < 2; n++) {
      const again = `${path}.${n}`;
      const { called, outcomes, statuses } = await pay(jsonl<Row>(n === 0 ? path : `${path}.0`), () => 'paid', again);
      expect([called, statuses]).toEqual(n === 0 ? [[2], ['in-doubt', 'ok']] : [[], ['in-doubt']]);
      expect(outcomes[0]?.error).toMatchObject({ code: 'http', class: 'permanent', inDoubt: true });
      expect(outcomes[0]?.error?.message).toBe(
        'it may have been done by an earlier run, so it is left in doubt; --retry-in-doubt runs it again. ' +
          'It had ended with: POST /pay answered 502',
      );
      expect(readFileSync(again, 'utf8')).toBe(`${before}\n`);
    }
  });

  it('is run again when it is said so, as its source gave it', async () => {
    const path = await letters();
    const { called, statuses } = await pay(jsonl<Row>(path).pipe(retryInDoubt()), () => 'paid', `${path}.new`);
    expect([called, statuses]).toEqual([
      [1, 2],
      ['ok', 'ok'],
    ]);
    const [item] = await all(jsonl<Row>(path).pipe(retryInDoubt()));
    expect([item?.raw, item?.live, item?.id]).toEqual(['{"n": 1.0}', true, expect.stringMatching(/:1$/)]);
  });

  it('is left by every source', async () => {
    const path = await letters();
    const parsed = readFileSync(path, 'utf8').trimEnd().split('\n');
    const array = fixture(`[${parsed.join()}]`);
    const args = argumentsSource.options.parse({ lists: [{ path }] });
    const sources: Record<string, Observable<Item>> = {
      jsonl: jsonl(path),
      lines: lines(path),
      csv: csv(path),
      json: json(path),
      'an array': json(array),
      literals: literals(parsed.map((line) => JSON.parse(line) as unknown)),
      arguments: fromSource(argumentsSource, args),
    };
    for (const [name, source] of Object.entries(sources)) {
      const runtime = fakeRuntime();
      const items = await all(source.pipe(filterItems(() => true)));
      expect(
        items.map(({ error }) => error?.inDoubt),
        name,
      ).toEqual([true, undefined]);
      await all(source.pipe(toFailed('-', runtime)));
      expect(JSON.parse(runtime.stdout), name).toEqual(JSON.parse(parsed[0] as string));
      expect((await all(source.pipe(retryInDoubt())))[0], name).toMatchObject({ data: { n: 1 }, error: undefined });
    }
  });

  it('stays failed when its record cannot be read', async () => {
    const letter =
      '{"$batchx":"failed","outcome":"in-doubt","id":"a","metadata":{},"error":{"code":"http","message":"cut"}}';
    const [item] = await all(jsonl(fixture(`${letter}\n`)).pipe(retryInDoubt()));
    expect(item?.error).toMatchObject({ code: 'parse', inDoubt: false });
  });
});

describe('retryInDoubt', () => {
  it(
    'passes what is no such item on as it is, at once',
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const item = Item.of('a');
      const failed = Item.of('b').fail(new BatchxError('http', 'cut', { inDoubt: true }));
      const source = cold<Item>('-a-f-#', { a: item, f: failed });
      expectObservable(source.pipe(retryInDoubt(), map(show))).toBe('-a-f-#', { a: 'a', f: '!cut' });
      expectSubscriptions(source.subscriptions).toBe('^----!');
      expectObservable(cold<Item>('--|').pipe(retryInDoubt())).toBe('--|');
      const left = cold<Item>('-a-a-', { a: item });
      expectObservable(left.pipe(retryInDoubt(), map(show)), '--!').toBe('-a-', { a: 'a' });
      expectSubscriptions(left.subscriptions).toBe('^-!');
    }),
  );

  it('has no options', () => {
    expect(retryInDoubtFlow.options.safeParse({ all: true }).success).toBe(false);
  });
});

describe('a command that must not be run twice', () => {
  const endOf = async (command: string, options = {}): Promise<string[]> => {
    const runtime = fakeRuntime({ env: process.env });
    const run = exec(command, { shell: true, effect: 'once', retry: 2, ...options }, runtime);
    const outcomes = await all((literals(['x']) as Observable<Item>).pipe(run, toFailed('-', runtime)));
    return outcomes.map(({ status, error }) => `${status}: ${error?.message ?? ''}`);
  };

  it('is in doubt by an exit code or a signal, and when its end is not known', async () => {
    expect(await endOf('exit 3; : {}')).toEqual(['in-doubt: exit code 3']);
    expect(await endOf('exit 3; : {}', { retryExit: [4] })).toEqual(['in-doubt: exit code 3']);
    expect(await endOf('kill -KILL $$; : {}')).toEqual(['in-doubt: ended by SIGKILL']);
    expect(await endOf('sleep 5; : {}', { timeout: '100ms' })).toEqual(['in-doubt: took longer than 100ms']);
  });

  it('is in doubt when it went well and gave what nobody can read', async () => {
    expect((await endOf('echo no; : {}', { stdout: 'json' }))[0]).toMatch(/^in-doubt: expected what the command wrote/);
  });

  it('has failed when it was not started', async () => {
    expect((await endOf('no-such-program-here {}'))[0]).toMatch(/^failed: exit code 127/);
    expect((await endOf('no-such-program-here {}', { shell: false }))[0]).toMatch(/^failed: no program is called/);
  });
});
