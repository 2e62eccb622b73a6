import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  argumentLists,
  type BatchxError,
  CommandError,
  CommandResult,
  createRuntime,
  exec,
  type ExecStepOptions,
  files,
  Item,
  literals,
  mapItems,
  toJsonl,
} from 'batchx';
import { fakeRuntime } from 'batchx/testing';
import { from, lastValueFrom, type Observable, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { commandResultOf } from '../../src/core/command-result.js';
import { execOptions } from '../../src/operators/steps/exec-options.js';
import { Commands } from '../../src/operators/steps/exec-commands.js';
import type { Slot } from '../../src/core/slot.js';
import { temporaryFolder } from '../contract/temp.js';
import { show } from './helpers.js';

const all = <T>(items: Observable<T>): Promise<T[]> => lastValueFrom(items.pipe(toArray()));
const env = { PATH: process.env.PATH };
/** A runtime whose processes have hardly an environment. */
const runtime = () => createRuntime({ env });

/** Runs a command for each value, and gives the items that come. */
const run = (command: string | string[], values: unknown[], options: ExecStepOptions = {}): Promise<Item[]> =>
  all(literals(values).pipe(exec(command, { ordered: true, ...options }, runtime())));

const shown = async (...given: Parameters<typeof run>): Promise<unknown[]> => (await run(...given)).map(show);

describe('values', () => {
  it.each<[string, unknown, string[]]>([
    ['a text', 'a b', ['a b']],
    ['a number', 7, ['7']],
    ['a list', ['a', 1, null, { b: 2 }], ['a', '1', 'null', '{"b":2}']],
    ['an object', { path: '/etc/passwd' }, ['{"path":"/etc/passwd"}']],
    ['nothing', undefined, ['undefined']],
    ['bytes that are text', Buffer.from('é'), ['é']],
    ['a number that is exact', Number.MAX_SAFE_INTEGER, ['9007199254740991']],
  ])('%s', async (_, value, expected) => {
    const [item] = await all(from([Item.of(value)]).pipe(exec(['printf', '<%s>'], {}, runtime())));
    expect(show(item!)).toBe(expected.map((each) => `<${each}>`).join(''));
  });

  it('are no number that may be another one than was written', async () => {
    const told = async (command: string, data: unknown) => (await shown(command, [data]))[0];
    const said = (name: string) =>
      expect.stringContaining(`!\`${name}\` is read as 9007199254740992, and whether its last digits`) as string;
    expect(await told('echo {{ id }}', { id: 2 ** 53 })).toEqual(said('id'));
    expect(await told('echo {{ id | plus: 0 }}', { id: 2 ** 53 })).toEqual(said('id'));
    expect(await told('echo {}', 2 ** 53)).toEqual(said('data'));
    expect(await told('echo {}', { list: [{ id: 2 ** 53 }] })).toEqual(said('id'));
    expect(await told('echo {{ n }}', { n: NaN })).toBe(
      '!expected `n` to be a number, got NaN, as a number in the data was too large, or none came of it; write it as text in the data',
    );
  });

  it('are the path of a file, and the values of lists', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, '-rf'), '');
    writeFileSync(join(folder, "it's.txt"), '');
    const found = await all(files('*', { cwd: folder, order: 'name' }).pipe(exec('echo {} {{ ext }}', {}, runtime())));
    expect(found.map(show)).toEqual([`${folder}/-rf `, `${folder}/it's.txt .txt`]);
    const lists = argumentLists([
      ['a', 'b'],
      ['x y', Buffer.from([0xff])],
    ]);
    const items = await all(lists.pipe(exec('printf %s.%s {2} {1}', { ordered: true, stdout: 'result' }, runtime())));
    const written = items.map(({ data }) => Buffer.from((data as CommandResult).output.stdout.kept).toString('latin1'));
    expect(written).toEqual(['x y.a', '\xff.a', 'x y.b', '\xff.b']);
  });

  it('number the items and the places that they run in', async () => {
    expect(await shown('echo {#} {%} {}', ['a', 'b', 'c'], { concurrency: 1 })).toEqual(['1 1 a', '2 1 b', '3 1 c']);
    const folder = temporaryFolder();
    // Two wait for each other, so that the third runs in the place of the first that ends.
    const script = `touch ${folder}/{#}; while [ {#} -lt 3 ] && [ ! -e ${folder}/2 ]; do sleep 0.01; done; echo {%}`;
    const places = await shown(script, ['a', 'b', 'c'], { concurrency: 2, shell: true });
    expect(places.slice(0, 2)).toEqual(['1', '2']);
    expect(['1', '2']).toContain(places[2]);
  });

  it('with NUL fail the item, and no other', async () => {
    expect(await shown('echo {}', ['a', 'b\0c', 'd'])).toEqual([
      'a',
      expect.stringContaining('no argument of a command can hold a NUL character'),
      'd',
    ]);
  });
});

describe('what a command reads', () => {
  it('is nothing unless said', async () => {
    expect(await shown('cat', [''], { stdin: 'data' })).toEqual(['']);
    expect(await shown(['wc', '-c'], ['abc'], { stdin: 'data' })).toEqual(['3']);
    expect(await shown(['sh', '-c', 'cat'], ['abc'])).toEqual(['']);
  });

  it('are the data: of a file what is in it, of a row its JSON, of lists a line for each value', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a'), 'x'.repeat(200_000));
    const found = files(join(folder, '*')).pipe(exec('wc -c', { stdin: 'data' }, runtime()));
    expect((await all(found)).map(show)).toEqual(['200000']);
    expect(await shown('cat', [{ a: 1 }, 'text'], { stdin: 'data' })).toEqual(['{"a":1}', 'text']);
    const lists = argumentLists([['a'], ['b']]).pipe(exec('cat', { stdin: 'data' }, runtime()));
    expect((await all(lists)).map(show)).toEqual(['a\nb']);
    // A row that names a file is a row.
    expect(await shown('cat', [{ path: join(folder, 'a') }], { stdin: 'data' })).toEqual([
      JSON.stringify({ path: join(folder, 'a') }),
    ]);
  });

  it('that is a file which is gone is the failure of its item', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'a'), 'x');
    const [file] = await all(files(join(folder, '*')));
    rmSync(join(folder, 'a'));
    const [done] = await all(from([file!]).pipe(exec('cat', { stdin: 'data' }, runtime())));
    expect(done!.error).toMatchObject({ code: 'input', message: expect.stringContaining('cannot read') as string });
  });
});

describe('what becomes of it', () => {
  it.each<[string, ExecStepOptions['stdout'], unknown]>([
    ['printf "a\\nb\\r\\n\\n"', 'text', 'a\nb'],
    ['printf "[1, 2]\\n"', 'json', [1, 2]],
    ['printf "[]\\n\\n2\\n"', 'jsonl', [[], 2]],
    ['echo x', 'ignore', 'v'],
    ['echo x', 'json', '!expected what the command wrote to be JSON'],
    ['printf "1\\nx\\n"', 'jsonl', '!expected line 2 of what the command wrote to be JSON'],
  ])('%s as %s', async (script, stdout, expected) => {
    const [data] = await shown(['sh', '-c', script, 'sh', '{}'], ['v'], { stdout });
    if (typeof expected === 'string' && expected.startsWith('!')) expect(data).toContain(expected);
    else expect(data).toEqual(expected);
  });

  it('may be all that it did', async () => {
    const [item] = await run(['sh', '-c', 'echo out; echo err >&2; exit 3', 'x y', '{}'], ['v'], {
      stdout: 'result',
      okExit: [0, 3],
    });
    const result = item!.data as CommandResult;
    expect(result).toBeInstanceOf(CommandResult);
    expect(result).toMatchObject({ exitCode: 3, signal: undefined, stdout: 'out\n', stderr: 'err\n', values: ['v'] });
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      command: "sh -c 'echo out; echo err >&2; exit 3' 'x y' v",
      exitCode: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      ms: Math.round(result.ms),
    });
  });

  it('is refused when it is more than was kept', async () => {
    expect(await shown('seq 1000 {}', [2000], { keep: '100B' })).toEqual([
      '!wrote 5005 bytes, of which 100 were kept: raise `keep`, or let it write to a file',
    ]);
    const [item] = await run('seq 1000 {}', [2000], { keep: '100B', stdout: 'result' });
    expect(JSON.parse(JSON.stringify(item!.data))).toMatchObject({ stdoutBytes: 5005 });
  });

  it('is given to `onOutput` as it comes, and is the data all the same', async () => {
    const seen: string[] = [];
    const onOutput: ExecStepOptions['onOutput'] = (stream, bytes, { tag, seq }) => {
      seen.push(`${seq} ${String(tag)} ${stream} ${bytes === undefined ? 'end' : Buffer.from(bytes).toString()}`);
    };
    expect(await shown(['sh', '-c', 'echo a; echo b >&2', 'sh', '{}'], ['v'], { onOutput })).toEqual(['a']);
    expect(seen.toSorted()).toEqual(['0 v stderr b\n', '0 v stderr end', '0 v stdout a\n', '0 v stdout end']);
  });
});

describe('an end that is no success', () => {
  it('fails the item, with the last line that it said and what it did', async () => {
    const [item] = await run(['sh', '-c', 'echo out; echo one >&2; echo two >&2; exit 4', 'sh', '{}'], ['v']);
    expect(item!.error).toBeInstanceOf(CommandError);
    expect(item!.error).toMatchObject({
      code: 'exec',
      class: 'transient',
      message: 'exit code 4: two',
      where: 'v',
      haltAfter: undefined,
    });
    expect(commandResultOf(item!)).toMatchObject({ exitCode: 4, stdout: 'out\n', stderr: 'one\ntwo\n' });
  });

  it.each<[string, ExecStepOptions, Partial<BatchxError>]>([
    ['kill -9 $$', {}, { message: 'ended by SIGKILL', class: 'transient' }],
    ['exit 126', {}, { message: 'exit code 126', class: 'permanent', haltAfter: 5 }],
    ['exit 127', {}, { message: 'exit code 127', class: 'permanent', haltAfter: 5 }],
    ['exit 127', { retryExit: [127] }, { message: 'exit code 127', class: 'transient' }],
    ['exit 3', { retryExit: [127] }, { message: 'exit code 3', class: 'permanent' }],
    ['exit 0', { okExit: [1] }, { message: 'exit code 0', class: 'transient' }],
  ])('%s with %j', async (script, options, error) => {
    const [item] = await run(['sh', '-c', script, 'sh', '{}'], ['v'], options);
    expect(item!.error).toMatchObject(error);
  });

  it('is that of a program that is not there, or cannot be run', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'plain'), '');
    const cases: [string[], object][] = [
      [['no-such-program'], { haltAfter: 5, exitCode: 127 }],
      [[join(folder, 'plain')], { haltAfter: 5, exitCode: 126 }],
      [['{}'], { haltAfter: 5, exitCode: 127 }],
    ];
    for (const [command, { exitCode, ...error }] of cases as [string[], Record<string, unknown>][]) {
      const [item] = await run(command, ['no-such-value']);
      expect(item!.error).toMatchObject({ code: 'exec', class: 'permanent', ...error });
      expect(commandResultOf(item!)).toMatchObject({ exitCode });
    }
    // That one value is too long says nothing of the next.
    const [long] = await run('echo', ['x'.repeat(200_000)]);
    expect(long!.error).toMatchObject({ class: 'permanent', haltAfter: undefined, where: undefined });
  });

  it('is retried, and the last attempt counts', async () => {
    const folder = temporaryFolder();
    const script = `n=$(cat ${folder}/{} 2>/dev/null || echo 0); echo $((n + 1)) > ${folder}/{}; echo "try $n"; test "$n" = 2`;
    const retry = { retries: 3, initial: '1ms' } as never;
    expect(await shown(script, ['a'], { shell: true, retry })).toEqual(['try 2']);
    expect(await shown(script, ['b'], { shell: true, retry: 0 })).toEqual(['!exit code 1']);
  });

  it('is a time that is over: with what was written by then, and nothing of it goes on', async () => {
    const folder = temporaryFolder();
    const script = `echo begun; echo $$ > ${folder}/pid; sleep 60 & wait`;
    const [item] = await run(script, ['v'], { shell: true, timeout: '300ms', stdin: 'data', stdout: 'result' });
    expect(item!.error).toMatchObject({
      code: 'timeout',
      class: 'ambiguous',
      message: 'took longer than 300ms',
      where: 'v',
    });
    expect(commandResultOf(item!)).toMatchObject({ stdout: 'begun\n', signal: 'SIGTERM', exitCode: undefined });
    expect(() => process.kill(Number(readFileSync(join(folder, 'pid'))), 0)).toThrow('ESRCH');
  });
});

describe('where it runs', () => {
  it('is the folder and the environment that are said', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'a b'));
    const options = { shell: true, cwd: `${folder}/{}`, env: { A: '1 2' }, stdin: 'data' } as const;
    expect(await shown('pwd; echo "$A $B"', ['a b'], options)).toEqual([`${folder}/a b\n1 2 `]);
    expect(await shown('pwd', ['none'], { ...options, shell: false })).toEqual([
      `!cannot run "pwd" in "${folder}/none": there is no such folder`,
    ]);
  });
});

describe('a file that it creates', () => {
  const inFolder = (options: Partial<ExecStepOptions> = {}) => {
    const folder = temporaryFolder();
    return { folder, options: { shell: true, creates: `${folder}/{}.out`, stdin: 'data', ...options } as const };
  };

  it('has a temporary name until it is whole', async () => {
    const { folder, options } = inFolder();
    const script = `echo part > {outputPath}; ls -A ${folder}; echo whole > {outputPath}`;
    const [seen] = await shown(script, ['a'], options);
    expect(seen).toMatch(/^\.batchx-\w+-a\.out$/);
    expect(readFileSync(join(folder, 'a.out'), 'utf8')).toBe('whole\n');
    expect(readdirSync(folder)).toEqual(['a.out']);
  });

  it('may be named by a word that says the same', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'in'), 'x');
    const creates = `${folder}/{/.}.out`;
    await run(['cp', '{}', creates], [join(folder, 'in')], { creates });
    expect(readdirSync(folder).toSorted()).toEqual(['in', 'in.out']);
  });

  it('is seen from the folder that the command runs in', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'in'), 'x');
    const options = { cwd: folder, creates: '{}.out', stdin: 'data' } as const;
    expect(await shown('cp {} {}.out', ['in'], options)).toEqual(['']);
    expect(readdirSync(folder).toSorted()).toEqual(['in', 'in.out']);
  });

  it.each<[string, string, string]>([
    ['a failure', 'echo half > {outputPath}; exit 1', '!exit code 1'],
    ['a success that did not make it', 'true {outputPath}', '!the command succeeded, but did not make it: '],
    ['a success that made nothing of it', ': > {outputPath}', '!the command succeeded, but made 0 bytes of it'],
    ['something else', 'mkdir {outputPath}', '!the command succeeded, but'],
    ['a link', 'ln -s /etc/passwd {outputPath}', '!the command succeeded, but'],
    ['a time that is over', 'echo half > {outputPath}; sleep 60', '!took longer than 300ms'],
  ])('is not there after %s', async (_, script, message) => {
    const { folder, options } = inFolder({ timeout: '300ms' });
    const [seen] = await shown(script, ['a'], options);
    expect(seen).toContain(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is not there either when what was written is no JSON', async () => {
    const { folder, options } = inFolder({ stdout: 'json' });
    expect((await shown('echo x > {outputPath}', ['a'], options))[0]).toContain('to be JSON');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stays when there is one already, and the command is not run', async () => {
    for (const [onExists, expected, content] of [
      ['fail', /^!cannot write .*a\.out: it is there already; .*--on-exists/, 'old'],
      ['skip', /^~already-done$/, 'old'],
      ['overwrite', /^$/, 'new\n'],
    ] as const) {
      const { folder, options } = inFolder({ onExists });
      writeFileSync(join(folder, 'a.out'), 'old');
      const [seen] = await shown(`touch ${folder}/ran; echo new > {outputPath}`, ['a'], options);
      expect(seen).toMatch(expected);
      expect(readFileSync(join(folder, 'a.out'), 'utf8')).toBe(content);
      expect(existsSync(join(folder, 'ran'))).toBe(onExists === 'overwrite');
    }
  });

  it('has one item, and is none of the arguments besides', async () => {
    const { folder, options } = inFolder();
    const two = await shown('echo {#} > {outputPath}', ['a', 'a'], { ...options, concurrency: 1 });
    expect(two[1]).toContain('it is already the output of');
    writeFileSync(join(folder, 'x.out'), 'old');
    const creates = `${folder}/{/.}.out`;
    expect(await shown(['cp', '{}', creates], [`${folder}/x.out`], { creates, onExists: 'overwrite' })).toEqual([
      `!cannot write ${folder}/x.out: the command is given it as an input, too`,
    ]);
    expect(readFileSync(join(folder, 'x.out'), 'utf8')).toBe('old');
  });

  it('lies in the folder that is written before its values, whatever these are', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'in'));
    const creates = `${folder}/in/{{ id }}.out`;
    const options = { creates, shell: true };
    const ids = ['../up', '/etc/x', '..', 'a/b'];
    await run(
      'echo x > {outputPath}',
      ids.map((id) => ({ id })),
      options,
    );
    // A word that says the same is the same one.
    await run(['cp', '/dev/null', creates], [{ id: '../word' }], { creates, minBytes: 0 });
    expect(readdirSync(join(folder, 'in')).toSorted()).toEqual([
      '%2E%2E.out',
      '%2Fetc%2Fx.out',
      '..%2Fup.out',
      '..%2Fword.out',
      'a%2Fb.out',
    ]);
    expect(readdirSync(folder)).toEqual(['in']);
    const [out] = await shown('echo x > {outputPath}', ['../up'], { creates: `${folder}/in/{}.out`, shell: true });
    expect(out).toMatch(/^!cannot write .*: it leads out of .*in, expected the path of a file/);
    expect(readdirSync(folder)).toEqual(['in']);
  });

  it('begins with a path only where a user has chosen that, by an argument or by a file that was found', async () => {
    const folder = temporaryFolder();
    const input = join(folder, 'in');
    writeFileSync(input, 'x');
    const out = (creates: string) => exec('cp /dev/null {outputPath}', { creates, minBytes: 0 }, runtime());
    const refused = (path: string, creates: string) =>
      `!cannot write "${path}": it leads out of the folder that the command runs in (a folder before the value, as in \`/${creates}\`, would let it), expected the path of a file`;
    for (const data of [`${folder}/text`, { path: `${folder}/row`, dir: folder }]) {
      const creates = typeof data === 'string' ? '{}.out' : '{{ path }}.out';
      const [item] = await all(literals([data]).pipe(out(creates)));
      expect(show(item!)).toBe(refused(`${typeof data === 'string' ? data : data.path}.out`, creates));
    }
    const [up] = await all(literals([{ dir: '..' }]).pipe(out('{{ dir }}/x')));
    expect(show(up!)).toBe(refused('../x', '{{ dir }}/x'));
    expect(readdirSync(folder)).toEqual(['in']);
    await all(argumentLists([[`${folder}/argument`]]).pipe(out('{}.out')));
    await all(literals([`${folder}/text`]).pipe(out('/{}.out')));
    await all(files(input, {}, runtime()).pipe(out('{}.found')));
    await all(
      files(input, {}, runtime()).pipe(
        mapItems(() => 'text'),
        out('{{ path }}.read'),
      ),
    );
    // A row in a file that was found names what it likes.
    const [row] = await all(
      files(input, {}, runtime()).pipe(
        mapItems(() => ({ path: `${folder}/row` })),
        out('{{ path }}.out'),
      ),
    );
    expect(show(row!)).toBe(refused(`${folder}/row.out`, '{{ path }}.out'));
    expect(readdirSync(folder).toSorted()).toEqual(['argument.out', 'in', 'in.found', 'in.read', 'text.out']);
  });

  it('is no other folder where a value is empty', async () => {
    const folder = temporaryFolder();
    const creates = `${folder}/{{ id }}/x`;
    expect(await shown('cp /dev/null {outputPath}', [{ id: '' }], { creates, minBytes: 0 })).toEqual([
      `!cannot write "${folder}//x": the values of ${creates} make an empty part of it, which is another folder`,
    ]);
  });

  it('has to be named by the command', () => {
    expect(() => exec('cp {} {.}.png', { creates: '{.}.jpg' })).toThrow(
      'exec: expected the command to name the file that it creates, as `{outputPath}` or as the word `{.}.jpg`',
    );
    expect(() => exec('cp {} {.}.png', { creates: '{.}.png', shell: true })).toThrow('`{outputPath}`');
  });
});

describe('a dry run', () => {
  it('says what would be run, with the values where they stand, and runs nothing', async () => {
    const folder = temporaryFolder();
    const dry = { dryRun: true } as const;
    expect(await shown(['touch', `${folder}/{}`], ["it's a"], dry)).toEqual([`touch "${folder}/it's a"`]);
    const script = `f() { touch $1 {}; }; for x in {} "{} y" 'z {}'; do f "$x" > ${folder}/{}; done`;
    expect(await shown(script, ['a b'], { ...dry, shell: true })).toEqual([
      `f() { touch $1 'a b'; }; for x in 'a b' ""'a b'" y" 'z ''a b'''; do f "$x" > ${folder}/'a b'; done`,
    ]);
    const options = { ...dry, creates: `${folder}/{}.out` };
    expect(await shown(`cp {} ${folder}/{}.out`, ['a'], options)).toEqual([`cp a ${folder}/a.out`]);
    expect(await shown('cp {} {outputPath}', ['a'], options)).toEqual([`cp a ${folder}/a.out`]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('when nobody wants it any more', () => {
  it('ends what runs, and the run waits for that', async () => {
    const folder = temporaryFolder();
    const own = runtime();
    let begun = 0;
    const script = `trap 'sleep 0.05; echo ended > ${folder}/{}; exit' TERM; echo {}; while :; do sleep 0.01; done`;
    await new Promise<void>((resolve) => {
      const onOutput = (_: string, bytes?: Uint8Array): void => {
        if (bytes === undefined || ++begun < 2) return;
        subscription.unsubscribe();
        resolve();
      };
      const options = { shell: true, concurrency: 2, onOutput };
      const subscription = literals(['a', 'b'])
        .pipe(exec(script, options, own))
        .subscribe();
    });
    expect(own.cleanup.open).toBe(2);
    await own.cleanup.idle();
    expect(readdirSync(folder).toSorted()).toEqual(['a', 'b']);
  });

  it('lets go of what was written once the item is settled', async () => {
    const own = fakeRuntime({ env });
    const rows = literals(['a'], own).pipe(
      exec(
        ['sh', '-c', 'seq 100000; seq 100000 >&2; exit 1', 'sh', '{}'],
        { stdout: 'result', spool: true, keep: '1KB' },
        own,
      ),
    );
    let result: CommandResult | undefined;
    const outcomes = all(rows.pipe(toJsonl('-', own)));
    own.events.on('batch:item:end', ({ item }) => (result = commandResultOf(item)));
    await outcomes;
    // Of a temporary file that is closed nothing is left.
    let left = 0;
    for await (const block of result!.output.stdout.blocks()) left += block.length;
    expect([result!.output.stdout.size, left]).toEqual([588_895, 1024]);
  });

  it.runIf(process.platform === 'linux')('keeps no temporary file that nobody will read', async () => {
    // Each step has one file, with a block of 64 KB for each of these.
    const open = (): number =>
      readdirSync('/proc/self/fd')
        .map((fd) => {
          try {
            const path = `/proc/self/fd/${fd}`;
            const stat = statSync(path);
            return stat.isFile() && readlinkSync(path).endsWith(' (deleted)') ? Math.ceil(stat.size / 65_536) : 0;
          } catch {
            return 0;
          }
        })
        .reduce((sum, blocks) => sum + blocks, 0);
    const script = (end: string) => ['sh', '-c', `seq 10000; seq 10000 >&2; ${end}`, 'sh', '{}'];
    const options = { keep: '1KB', spool: true, stdout: 'ignore' } as const;
    await run(script('exit 0'), ['a', 'b'], options);
    expect(open()).toBe(0);
    await run(['sh', '-c', 'seq 10000 >&2', 'sh', '{}'], ['a', 'b'], { ...options, stdout: 'text' });
    expect(open()).toBe(0);
    await run(script('exec sleep 60'), ['a'], { ...options, timeout: '300ms' });
    const [item] = await run(script('exit 1'), ['a'], { ...options, retry: { retries: 2, initial: '1ms' } });
    // Those of the last try, and of the one that took too long: a sink may still write them.
    expect(open()).toBe(4);
    commandResultOf(item!)?.dispose();
    expect(open()).toBe(2);
  });
});

describe('what is wrong with the options', () => {
  it.each<[string, ExecStepOptions & Record<string, unknown>, string]>([
    ['', {}, 'command'],
    ['a | b', {}, 'no shell is run here'],
    ["a 'b", {}, 'is opened and not closed'],
    ['a', { stdout: 'x' as 'text' }, 'stdout'],
    ['a', { keep: '1 MB' }, 'keep'],
    ['a', { what: 1 }, 'what'],
    ['a', { onOutput: 1 as never }, 'onOutput'],
    ['a', { timeout: '10' }, 'timeout'],
  ])('is said when it is made: %j with %j', (command, options, message) => {
    expect(() => exec(command, options)).toThrow(message);
    expect(() => exec(command, options)).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
  });
});

it('says of each command that it runs', async () => {
  const own = runtime();
  const seen: string[] = [];
  own.events.on('batch:command', ({ command }) => seen.push(command));
  await all(literals(['a b']).pipe(exec('echo {}', {}, own)));
  const commands = new Commands(execOptions.parse({ command: 'true {}', shell: true }), own);
  const slot = { signal: new AbortController().signal } as Slot;
  await commands.run(Item.of("it's"), slot);
  expect(seen).toEqual(["echo 'a b'", `true "it's"`]);
});

it('has no process left when the test is over', () => {
  const mine = readdirSync('/proc').filter((pid) => {
    try {
      const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
      return Number(parent) === process.pid && readFileSync(`/proc/${pid}/environ`, 'latin1').includes('BATCHX_RUN=');
    } catch {
      return false;
    }
  });
  expect(mine).toEqual([]);
});
