import { expect, it } from 'vitest';
import { GroupCommit } from '../../src/journal/group-commit.js';

/** Work that is done when it is told so. */
function work() {
  const running: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const group = new GroupCommit(
    () =>
      new Promise((resolve, reject) => {
        running.push({ resolve, reject });
      }),
  );
  const seen: string[] = [];
  const commit = (name: string): void => {
    group.commit().then(
      () => seen.push(name),
      (error: unknown) => seen.push(`${name}: ${String(error)}`),
    );
  };
  const turn = (): Promise<void> =>
    new Promise((resolve) => {
      setImmediate(resolve);
    });
  return { running, seen, commit, turn };
}

it('does one piece of work at a time, and the next for all who came meanwhile', async () => {
  const { running, seen, commit, turn } = work();
  for (const name of ['a', 'b', 'c']) commit(name);
  await turn();
  expect([running.length, seen]).toEqual([1, []]);
  running[0]?.resolve();
  await turn();
  expect([running.length, seen]).toEqual([2, ['a']]);
  commit('d');
  running[1]?.resolve();
  await turn();
  expect([running.length, seen]).toEqual([3, ['a', 'b', 'c']]);
  running[2]?.resolve();
  await turn();
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
  commit('e');
  expect(running).toHaveLength(4);
});

it('never tries again what failed once, and tells so all who wait and all who come', async () => {
  const { running, seen, commit, turn } = work();
  commit('a');
  commit('b');
  running[0]?.reject(new Error('EIO'));
  await turn();
  commit('c');
  await turn();
  expect(running).toHaveLength(1);
  expect(seen).toEqual(['a: Error: EIO', 'b: Error: EIO', 'c: Error: EIO']);
});
