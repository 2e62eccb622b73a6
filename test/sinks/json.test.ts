import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { concat, lastValueFrom, Subject, take, tap, throwError, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { filterItems, jsonl, literals, toJson } from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { temporaryFolder } from '../contract/temp.js';

const path = (): string => join(temporaryFolder(), 'out.json');
const parsed = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));

describe('toJson', () => {
  it('writes one array, an element a line', async () => {
    const runtime = fakeRuntime();
    await lastValueFrom(literals([{ n: 1 }, 'two', null]).pipe(toJson('-', runtime)));
    expect(runtime.stdout).toBe('[\n{"n":1},\n"two",\nnull\n]\n');
  });

  it('writes rows that no step changed as they were', async () => {
    const runtime = fakeRuntime({ stdin: ['{"id":12345678901234567890}\n{"a" : 1}\n'] });
    await lastValueFrom(
      jsonl('-', {}, runtime).pipe(
        filterItems(() => true),
        toJson('-', runtime),
      ),
    );
    expect(runtime.stdout).toBe('[\n{"id":12345678901234567890},\n{"a" : 1}\n]\n');
  });

  it('is an array when nothing comes, and when nothing can be written', async () => {
    const file = path();
    await lastValueFrom(literals([]).pipe(toJson(file), toArray()));
    expect(readFileSync(file, 'utf8')).toBe('[]\n');
    await lastValueFrom(literals([() => 1]).pipe(toJson(file), toArray()));
    expect(readFileSync(file, 'utf8')).toBe('[]\n');
  });

  it('is an array of what could be written, in any number of blocks', async () => {
    const file = path();
    const values = Array.from({ length: 1500 }, (_, n) => (n % 2 === 0 ? n : 1n));
    await lastValueFrom(literals(values).pipe(toJson(file)));
    expect(parsed(file)).toEqual(values.filter((value) => typeof value === 'number'));
  });

  it('is an array of what came before the source failed or was left', async () => {
    const file = path();
    const failing = concat(
      literals([1, 2]),
      throwError(() => new Error('gone')),
    );
    await expect(lastValueFrom(failing.pipe(toJson(file)))).rejects.toThrow('gone');
    expect(parsed(file)).toEqual([1, 2]);
    await lastValueFrom(literals([1, 2, 3]).pipe(toJson(file), take(1)));
    await expect.poll(() => parsed(file)).toEqual([1, 2, 3]);
  });

  it('takes the place of an older file only once it is whole, behind a link and with its permissions', async () => {
    const file = path();
    const link = join(dirname(file), 'link.json');
    writeFileSync(file, 'old', { mode: 0o640 });
    symlinkSync('out.json', link);
    const values = new Subject<number>();
    const written: unknown[] = [];
    const done = lastValueFrom(
      values.pipe(
        toJson(link),
        tap((outcome) => written.push(outcome)),
      ),
    );
    values.next(1);
    await expect.poll(() => written).toHaveLength(1);
    expect(readFileSync(file, 'utf8')).toBe('old');
    values.complete();
    await done;
    expect(parsed(file)).toEqual([1]);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(dirname(file)).sort()).toEqual(['link.json', 'out.json']);
    const missing = join(dirname(file), 'no/out.json');
    await expect(lastValueFrom(literals([1]).pipe(toJson(missing)))).rejects.toMatchObject({
      code: 'output',
      message: `cannot write ${missing}: there is no such folder`,
    });
  });

  it('does not end an array that it could not write', async () => {
    const warnings: string[] = [];
    const runtime = fakeRuntime({ stdout: () => Promise.reject(new Error('no more')) });
    runtime.events.on('batch:warning', ({ message }) => warnings.push(message));
    await expect(lastValueFrom(literals([1]).pipe(toJson('-', runtime)))).rejects.toThrow('no more');
    expect(runtime.stdout).toBe('');
    expect(warnings).toEqual([]);
  });
});
