import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Resources } from '../report/report-schema.js';

/** What this process has used since it began, and the commands that it has run; null where the system does not tell. */
export function resourcesUsed(): Resources {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  return {
    processors: availableParallelism(),
    cpuSeconds: { own: (userCPUTime + systemCPUTime) / 1e6, children: ofChildren() },
    // No system tells Node how much memory those took that have ended.
    peakMemory: { own: maxRSS * 1024, children: null },
  };
}

/** Ticks of the clock that Linux counts processor time in, a second. */
const TICKS = 100;

/** The processor time of children that have ended, and of theirs, in seconds. Only Linux tells. */
function ofChildren(): number | null {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // What comes before is the name of the program, which may have blanks in it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [user, system] = [Number(fields[13]), Number(fields[14])];
    return Number.isFinite(user + system) ? (user + system) / TICKS : null;
  } catch {
    return null;
  }
}
