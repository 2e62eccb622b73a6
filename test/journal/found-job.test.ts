import { closeSync } from 'node:fs';
import { asyncScheduler } from 'rxjs';
import { expect, it } from 'vitest';
import { findJob } from '../../src/journal/found-job.js';
import type { DoneAs } from '../../src/journal/records.js';
import { temporaryFolder } from '../contract/temp.js';
import { CHAIN, commitRecord, doneRecord, jobRecord, known, runRecord, write } from './journals.js';

it.each<[DoneAs, boolean]>([
  ['ok', true],
  ['failed', true],
  ['in-doubt', false],
  ['deferred', false],
])('a job that is complete is begun anew with an item that is %s: %s', async (as, isAnew) => {
  const folder = temporaryFolder();
  const end = { t: 'end', epoch: 1, how: 'complete' } as const;
  await write(folder, [jobRecord, runRecord(), doneRecord(1, { as }), commitRecord, 'sync', end]);
  const { fd, state, before } = findJob({
    folder,
    name: 'nightly',
    chain: CHAIN,
    version: '1.0.0',
    at: 'then',
    stamp: 's',
    scheduler: asyncScheduler,
    random: Math.random,
    stopping: new AbortController().signal,
    redact: (text) => text,
    anew: true,
  });
  closeSync(fd);
  expect([known(state, 1) === undefined, before !== undefined]).toEqual([isAnew, isAnew]);
});
