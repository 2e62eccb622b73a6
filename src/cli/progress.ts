import type { Counts } from '../core/account.js';
import { canDraw, makeWay, say } from './terminal.js';

export const PROGRESS = ['auto', 'none', 'plain', 'tty', 'json'] as const;
export type ProgressMode = (typeof PROGRESS)[number];

/** The display of a run that is going on. */
export interface Progress {
  stop(): void;
}

/** How soon the line appears, so that a quick command draws nothing; then how often each kind is renewed. */
const FIRST = 1_000;
const EVERY = { tty: 200, plain: 10_000, json: 1_000 } as const;

/**
 * Shows on standard error how a run stands: a line that renews itself on a terminal, otherwise a plain line every ten
 * seconds, or an event a line with `json`. Nothing is drawn where rows go to the same terminal.
 */
export function showProgress(mode: ProgressMode, counts: () => Counts): Progress {
  const kind = mode === 'auto' || mode === 'tty' ? automatic(mode) : mode;
  if (kind === 'none') return { stop: () => undefined };
  const started = performance.now();
  const line = (): string => progressLine(counts(), (performance.now() - started) / 1000);
  if (kind === 'tty') return drawing(line);
  const show = (): void => {
    if (kind === 'plain') say(line());
    else process.stderr.write(JSON.stringify({ event: 'batch:progress', seconds: (performance.now() - started) / 1000, ...counts() }) + '\n');
  };
  const timer = setInterval(show, EVERY[kind]).unref();
  return {
    stop() {
      clearInterval(timer);
      if (kind === 'json') show();
    },
  };
}

function automatic(mode: 'auto' | 'tty'): 'tty' | 'plain' | 'none' {
  if (!canDraw(process.stderr)) return 'plain';
  return process.stdout.isTTY && mode === 'auto' ? 'none' : 'tty';
}

function drawing(line: () => string): Progress {
  let stopped = false;
  let end = (): void => undefined;
  const timer = setTimeout(() => {
    void import('ora').then(({ default: ora }) => {
      if (stopped) return;
      const spinner = ora({ text: fit(line()), stream: process.stderr, discardStdin: false, hideCursor: false }).start();
      const renew = setInterval(() => { spinner.text = fit(line()); }, EVERY.tty).unref();
      makeWay(() => {
        spinner.clear();
        return () => { spinner.render(); };
      });
      end = () => {
        clearInterval(renew);
        makeWay(undefined);
        spinner.stop();
      };
    });
  }, FIRST).unref();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      end();
    },
  };
}

/** What a line may have, beside the spinner, without breaking. */
const fit = (text: string): string => text.slice(0, Math.max(0, process.stderr.columns - 3));

function progressLine({ read, ok, failed, skipped, pending }: Counts, seconds: number): string {
  const done = read - pending;
  const parts = [`${number(done)} done`, `${number(Math.round(done / Math.max(seconds, 0.001)))}/s`, `${number(pending)} in flight`, `${number(ok)} ok`];
  if (skipped > 0) parts.push(`${number(skipped)} skipped`);
  if (failed > 0) parts.push(`${number(failed)} failed`);
  return parts.join(' · ');
}

const number = (value: number): string => value.toLocaleString('en');
