import { deepStrictEqual } from 'node:assert/strict';
import { type RunHelpers, TestScheduler } from 'rxjs/testing';

/**
 * A test in virtual time: runs `test` with the helpers of rxjs's TestScheduler and compares deeply. Give the result to
 * the test runner, whichever it is. The default scheduler of `fakeRuntime` is virtual inside.
 *
 * @example
 * import { marbles } from 'batchx/testing';
 * import { delay } from 'rxjs';
 *
 * const test = marbles(({ cold, expectObservable }) => {
 *   const source = cold('  a-b--|');
 *   const expected = '     --a-b|';
 *   expectObservable(source.pipe(delay(2))).toBe(expected);
 * });
 * test();
 */
export function marbles(test: (helpers: RunHelpers) => void): () => void {
  return () => {
    new TestScheduler((actual, expected) => {
      deepStrictEqual(actual, expected);
    }).run(test);
  };
}
