import { join } from 'node:path';
import { ignoreElements, map, mergeMap, type Observable, type OperatorFunction, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import {
  BatchxError,
  type Item,
  Outcome,
  type Runtime,
  toCsv,
  toFailed,
  toJson,
  toJsonl,
  toLines,
  toSink,
} from 'batchx';
import { sinkContract } from 'batchx/testing';
import { temporaryFolder } from './temp.js';

type Sink = (path: string, runtime: Runtime) => OperatorFunction<unknown, Outcome>;

const sinks: readonly [string, Sink][] = [
  ['jsonl', (path, runtime) => toJsonl(path, runtime)],
  ['json', (path, runtime) => toJson(path, runtime)],
  ['lines', (path, runtime) => toLines(path, runtime)],
  ['csv', (path, runtime) => toCsv(path, {}, runtime)],
  ['failed', (path, runtime) => toFailed(path, runtime)],
];

describe('every sink keeps the contract', () => {
  it.each(sinks)('%s, to a file', async (_name, sink) => {
    const folder = temporaryFolder();
    await sinkContract((runtime) => sink(join(folder, 'out'), runtime));
  });

  it.each(sinks)('%s, to standard output', async (_name, sink) => {
    await sinkContract((runtime) => sink('-', runtime));
  });

  it.each(sinks)('%s, behind another sink', async (_name, sink) => {
    const folder = temporaryFolder();
    await sinkContract(
      (runtime) => (source) => source.pipe(toJsonl(join(folder, 'above'), runtime), sink(join(folder, 'out'), runtime)),
    );
  });
});

describe('the contract of sinks finds', () => {
  const around =
    (change: (outcomes: Observable<Outcome>) => Observable<Outcome>) =>
    (runtime: Runtime) =>
    (source: Observable<Item>) =>
      change(source.pipe(toJsonl('-', runtime)));

  it('outcomes that are missing', async () => {
    await expect(sinkContract(around((outcomes) => outcomes.pipe(ignoreElements())))).rejects.toThrow(
      'an outcome for each item',
    );
  });

  it('items that are refused, and names the first', async () => {
    const refusing = (runtime: Runtime) =>
      toSink<Item>(
        () => ({
          write: (items, refuse) => items.forEach((_, i) => refuse(i, new BatchxError('encode', 'no columns'))),
          close: () => undefined,
        }),
        { runtime },
      );
    await expect(sinkContract(refusing)).rejects.toThrow(
      'expected the sink to write each item that is ok, but it refused #1, { n: 0 }: no columns',
    );
  });

  it('a sink that never ends', async () => {
    const stuck = (runtime: Runtime) =>
      toSink<Item>(() => ({ write: () => new Promise(() => undefined), close: () => undefined }), { runtime });
    await expect(sinkContract(stuck)).rejects.toThrow('expected a sink that completes, but nothing came');
  });

  it('failed items that are not passed on as such', async () => {
    const mended = around((outcomes) => outcomes.pipe(map(({ item }) => new Outcome(item, 'ok'))));
    await expect(sinkContract(mended)).rejects.toThrow('failed and skipped items to stay so');
  });

  it('another order', async () => {
    const reversed = around((outcomes) =>
      outcomes.pipe(
        toArray(),
        mergeMap((all) => all.reverse()),
      ),
    );
    await expect(sinkContract(reversed)).rejects.toThrow('an outcome for each item');
  });

  it('items that are not settled', async () => {
    const broken = () => (source: Observable<Item>) => source.pipe(mergeMap((item) => [Outcome.of(item)]));
    await expect(sinkContract(broken)).rejects.toThrow('settled once');
  });

  it('outcomes that are kept back', async () => {
    const held: Outcome[] = [];
    const hoard = (outcome: Outcome, i: number): Outcome[] => {
      if (i < 6) return [outcome];
      return held.push(outcome) < 8192 - 6 ? [] : held;
    };
    const hoarding = around((outcomes) => outcomes.pipe(mergeMap(hoard)));
    await expect(sinkContract(hoarding)).rejects.toThrow('bounded number of items');
  });
});
