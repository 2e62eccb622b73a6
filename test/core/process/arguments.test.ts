import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Argument } from '../../../src/core/process/process.js';
import { temporaryFolder } from '../../contract/temp.js';
import { run, text } from './running.js';

const bytes = (...parts: (string | number)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))));

/** The arguments that a program gets, byte for byte. */
async function arrived(args: readonly Argument[]): Promise<Buffer[]> {
  const { exitCode, stdout, stderr } = await run(['printf', '%s\\0', ...args]);
  expect([exitCode, text(stderr)]).toEqual([0, '']);
  const all = Buffer.from(stdout.kept);
  const found: Buffer[] = [];
  for (let at = 0, end; (end = all.indexOf(0, at)) >= 0; at = end + 1) found.push(all.subarray(at, end));
  return found;
}

const same = async (args: readonly Argument[]): Promise<void> => {
  expect(await arrived(args)).toEqual(args.map((argument) => Buffer.from(argument)));
};

const awkward = [
  '',
  ' ',
  "'",
  '"',
  '\\',
  '\\\\0101',
  '%b%s',
  '$(echo no)',
  '`echo no`',
  '${HOME}',
  '*',
  '~',
  '-n',
  '--',
  '-',
  'a\nb\n',
  '\n\n',
  '\r',
  '\t',
  ';',
  '|',
  '&',
  '\u{1f600}',
  'é',
  'e\u0301',
  '\ufeffx',
  '\x1b[31m',
  '\x7f',
  'x'.repeat(100 * 1024),
];

describe('arguments that are text', () => {
  it('arrive byte for byte', () => same(awkward));

  it('arrive with any characters', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
          { minLength: 1, maxLength: 20 },
        ),
        same,
      ),
      { numRuns: 10 },
    ));

  it.each([
    ['a\0b', 'argument 1 has a NUL character in it, which no program can be given'],
    ['a\ud83d', 'argument 1 is not well-formed text: it has half a character in it'],
    ['\ude00', 'argument 1 is not well-formed text: it has half a character in it'],
    [bytes(0xff, 0), 'argument 1 has a NUL character in it, which no program can be given'],
    [bytes('a', 0), 'argument 1 has a NUL character in it, which no program can be given'],
  ])('are refused when no program can be given them: %j', async (argument, message) => {
    await expect(run(['true', argument])).rejects.toMatchObject({ code: 'exec', class: 'permanent', message });
  });

  it('are refused beside one that is bytes', async () => {
    await expect(run(['true', bytes(0xff), 'a\0'])).rejects.toThrow('argument 2 has a NUL character');
    await expect(run(['true', bytes(0xff), '\ud83d'])).rejects.toThrow('argument 2 is not well-formed');
  });
});

describe('arguments that are not UTF-8', () => {
  it('arrive byte for byte, beside any others', () =>
    same([
      bytes(0xff),
      bytes(0xe9, '\n\n'),
      ...awkward,
      bytes('a', 0xc3),
      bytes("'$(echo no)`\\\\n%b ", 0x80, '.'),
      bytes('é'),
    ]));

  it('arrive with all bytes but zero', () => same([Uint8Array.from({ length: 255 }, (_, at) => at + 1)]));

  it('are shown by od', async () => {
    const { stdout } = await run(['sh', '-c', 'printf %s "$1" | od -An -tx1', 'sh', bytes(0xfe, 'x', 0x0a)]);
    expect(text(stdout)).toBe(' fe 78 0a\n');
  });

  it('arrive with any bytes', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ min: 1, minLength: 1 }), { minLength: 1, maxLength: 5 }), same),
      { numRuns: 10 },
    ));

  it('name the program too, by its path and on the PATH', async () => {
    const folder = temporaryFolder();
    const script = '#!/bin/sh\necho "ran $1"\n';
    for (const name of [bytes('p', 0xff), bytes('-p', 0xff)])
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), script, { mode: 0o755 });
    const env = { PATH: `/nowhere:${folder}:/bin:/usr/bin` };
    const ran = async (program: Argument): Promise<string> => text((await run([program, 'it'], { env })).stdout);
    expect(await ran(bytes(`${folder}/p`, 0xff))).toBe('ran it\n');
    expect(await ran(bytes('p', 0xff))).toBe('ran it\n');
    expect(await ran(bytes('-p', 0xff))).toBe('ran it\n');
    await expect(run([bytes('q', 0xff)], { env })).rejects.toMatchObject({ exitCode: 127 });
  });

  it('leave the environment as it is', async () => {
    const env = { PATH: process.env.PATH, A: 'b\nc', BATCHX_ARGUMENT: 'mine' };
    const { stdout } = await run(['sh', '-c', 'printf %s "$A"; env | grep -c BATCHX_ARGUMENT', 'sh', bytes(0xff)], {
      env,
    });
    expect(text(stdout)).toBe('b\nc0\n');
  });
});

describe('a program that cannot be started', () => {
  it('is called so when nothing on the PATH has its name', async () => {
    const failed = run(['no-such-program']);
    await expect(failed).rejects.toMatchObject({
      code: 'exec',
      class: 'permanent',
      exitCode: 127,
      message: 'no program is called "no-such-program" on the PATH: install it, or correct its name',
      cause: { code: 'ENOENT' },
    });
  });

  it('is looked for in the PATH of its own environment', async () => {
    await expect(run(['true'], { env: { PATH: '/nowhere' } })).rejects.toMatchObject({ exitCode: 127 });
    expect((await run(['true'], { env: {} })).exitCode).toBe(0);
  });

  it('has a path that leads to nothing', async () => {
    await expect(run(['./nothing'])).rejects.toMatchObject({
      exitCode: 127,
      message: 'there is no program "./nothing": install it, or correct its name',
    });
  });

  it('has an empty name', async () => {
    await expect(run([''])).rejects.toMatchObject({ exitCode: 127, message: 'the name of the program is empty' });
  });

  it('may not be executed, is a folder, or lacks its interpreter', async () => {
    const cwd = temporaryFolder();
    const env = { PATH: cwd };
    writeFileSync(join(cwd, 'plain'), '#!/bin/sh\n', { mode: 0o644 });
    writeFileSync(join(cwd, 'odd'), '#! /nowhere/sh -e\n', { mode: 0o755 });
    mkdirSync(join(cwd, 'folder'));
    const message = async (program: string): Promise<unknown> => {
      const error = await run([program], { cwd, env }).catch((error: unknown) => error);
      expect(error).toMatchObject({ code: 'exec', class: 'permanent', exitCode: 126 });
      return (error as Error).message.replaceAll(cwd, '.');
    };
    for (const at of ['', './']) {
      expect(await message(`${at}plain`)).toBe(
        `cannot start "${at}plain": "./plain" may not be executed: allow it by \`chmod +x\``,
      );
      expect(await message(`${at}folder`)).toBe(`cannot start "${at}folder": "./folder" is a folder`);
      expect(await message(`${at}odd`)).toBe(
        `cannot start "${at}odd": its first line asks for "/nowhere/sh", which is not there`,
      );
    }
  });

  it('goes on to the next folder of the PATH', async () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    mkdirSync(join(one, 'it'));
    writeFileSync(join(two, 'it'), '#!/bin/sh\necho two\n', { mode: 0o755 });
    expect(text((await run(['it'], { env: { PATH: `${one}:${two}` } })).stdout)).toBe('two\n');
  });

  it('is run by the shell when it is a script without a first line for it, as the system does it', async () => {
    const path = join(temporaryFolder(), 'script');
    writeFileSync(path, 'echo "$1"\n', { mode: 0o755 });
    expect(text((await run([path, 'it'])).stdout)).toBe('it\n');
    expect(Buffer.from((await run([path, bytes(0xff)])).stdout.kept)).toEqual(Buffer.of(0xff, 0x0a));
  });

  it('leads round in a circle', async () => {
    const path = join(temporaryFolder(), 'circle');
    symlinkSync(path, path);
    await expect(run([path])).rejects.toMatchObject({ code: 'exec', class: 'permanent', cause: { code: 'ELOOP' } });
  });

  it('is to run in a folder that is none', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const [cwd, why] of [
      [join(folder, 'no'), 'there is no such folder'],
      [file, 'it is not a folder'],
    ] as const)
      await expect(run(['true'], { cwd })).rejects.toMatchObject({
        class: 'permanent',
        exitCode: 126,
        message: `cannot run "true" in ${JSON.stringify(cwd)}: ${why}`,
      });
  });

  it('shows no control characters of its name', async () => {
    await expect(run(['\x1b[31mred'])).rejects.toThrow('no program is called "\\\\u001b[31mred" on the PATH');
  });

  it('has an argument that is too long, or too many', async () => {
    await expect(run(['true', Buffer.alloc(30_000, 0xfe)])).rejects.toMatchObject({
      message:
        'an argument that is not UTF-8 is too long: 30000 bytes, of such ones 26214 can be passed; give it by stdin or in a file',
    });
    await expect(run(['true', 'x'.repeat(2 * 1024 * 1024)])).rejects.toMatchObject({
      class: 'permanent',
      message: 'an argument is too long: 2097152 bytes, the system takes 131071; give it by stdin or in a file',
      cause: { code: 'E2BIG' },
    });
    const many = Array.from({ length: 70 }, () => 'x'.repeat(100_000));
    await expect(run(['true', ...many])).rejects.toThrow(
      /^the arguments are too long: 7000643 bytes, with an environment of \d+, the system takes \d+ for both; give fewer at once$/,
    );
  });

  it('may be started after it failed', async () => {
    const path = join(temporaryFolder(), 'later');
    writeFileSync(path, '#!/bin/sh\n', { mode: 0o644 });
    await expect(run([path])).rejects.toMatchObject({ exitCode: 126 });
    chmodSync(path, 0o755);
    expect((await run([path])).exitCode).toBe(0);
  });
});
