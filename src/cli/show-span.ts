const S = 1000;
const M = 60 * S;
const H = 60 * M;
const D = 24 * H;

/** How finely lengths of time below so many milliseconds are told: finer, what is only foretold would flicker. */
const STEPS: readonly (readonly [number, number])[] = [
  [10 * S, S],
  [M, 5 * S],
  [10 * M, 30 * S],
  [H, M],
  [D, 5 * M],
  [Infinity, H],
];

/** A length of time that is foretold, in milliseconds, as people say it: `45s`, `4m 30s`, `1h 40m`, `2d 5h`. */
export function showSpan(ms: number, round: 'up' | 'down'): string {
  const [, step] = STEPS.find(([below]) => ms < below) ?? [Infinity, H];
  const whole = Math.max(step, (round === 'up' ? Math.ceil(ms / step) : Math.floor(ms / step)) * step);
  if (whole < M) return `${whole / S}s`;
  if (whole < H) return two(whole, M, 'm', S, 's');
  if (whole < D) return two(whole, H, 'h', M, 'm');
  return two(whole, D, 'd', H, 'h');
}

function two(ms: number, large: number, unit: string, small: number, smaller: string): string {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)}${unit}${rest === 0 ? '' : ` ${rest}${smaller}`}`;
}
