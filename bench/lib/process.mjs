import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

/** What /proc counts processor time in. */
const TICKS_PER_SECOND = 100;
const SAMPLE_MS = 10;

/**
 * Starts a process and measures it: wall time in seconds, processor time and peak memory.
 *
 * The last two come from /proc, read every 10 ms until the process is gone, so they need no program that may not be
 * there: the kernel keeps both itself, and what the last few milliseconds added is lost. Elsewhere they are undefined.
 */
export function measure(command, args, { stdio = ['ignore', 'pipe', 'inherit'], sample = true, onStart } = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio });
    const usage = { cpu: undefined, peak: undefined };
    const sampler = sample ? setInterval(() => read(child.pid, usage), SAMPLE_MS) : undefined;
    let firstByte;
    let output = '';
    child.stdout?.setEncoding('utf8');
    child.stdout?.on('data', (text) => {
      firstByte ??= (performance.now() - started) / 1000;
      output += text;
    });
    child.on('error', reject);
    let wall;
    child.on('exit', () => {
      wall = (performance.now() - started) / 1000;
      clearInterval(sampler);
    });
    child.on('close', (code, signal) => {
      if (code !== 0 && signal === null)
        reject(new Error(`${command} ${args.join(' ').slice(0, 200)} exited with ${code}`));
      else resolve({ wall, firstByte, ...usage, output });
    });
    onStart?.(child, usage);
  });
}

/** The same, with a file as its standard output. */
export async function measureInto(path, [command, ...args]) {
  const fd = openSync(path, 'w');
  try {
    return await measure(command, args, { stdio: ['ignore', fd, 'inherit'] });
  } finally {
    closeSync(fd);
  }
}

/** Seconds of processor time and megabytes of memory at most; kept as they were once the process is gone. */
function read(pid, usage) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    if (peak === null) return; // a zombie has no memory any more
    usage.cpu = (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    usage.peak = Number(peak[1]) / 1024;
  } catch {
    // No such process, or no /proc.
  }
}
