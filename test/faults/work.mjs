// A folder in which a pipeline is run, disturbed, and run again.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { look } from './checker.mjs';
import { startServer } from './server.mjs';

/** How long a run may take before it counts as one that hangs, in milliseconds. */
const LONGEST = 120_000;

/** Where programs read certificates of the machine's own, each start takes twice as long. */
const env = { ...process.env, BATCHX_DEBUG: undefined, NODE_EXTRA_CA_CERTS: undefined };

export class Work {
  #server;
  #alive = new Set();

  /** `program` is the batchx that is run. */
  static async make(program, use, count, { ms } = {}) {
    const work = new Work();
    work.program = program;
    work.use = use;
    work.#server = await startServer({ ms });
    work.rows = use.rows(count);
    work.keys = work.rows.flatMap(use.keys);
    work.lines = use.pipeline(work.#server.url);
    work.folder = work.#folder();
    return work;
  }

  #folder() {
    const folder = mkdtempSync(join(tmpdir(), 'batchx-faults-'));
    mkdirSync(join(folder, 'files'));
    writeFileSync(join(folder, 'pipeline.yaml'), `name: job\n${this.lines.join('\n')}\n`);
    writeFileSync(join(folder, 'in.jsonl'), this.rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    for (const [name, text] of Object.entries(this.use.files ?? {})) writeFileSync(join(folder, name), text);
    return folder;
  }

  /** Begins anew in an empty folder. */
  anew() {
    rmSync(this.folder, { recursive: true, force: true });
    this.folder = this.#folder();
    this.#server.calls.length = 0;
  }

  /** The keys of the calls that were made, in their order. */
  get calls() {
    const { calls } = this.use;
    if (calls === undefined) return this.#server.calls;
    const path = join(this.folder, calls);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  look() {
    return look(this.folder, { lines: this.use.lines });
  }

  get report() {
    return JSON.parse(readFileSync(join(this.folder, 'report.json'), 'utf8'));
  }

  /** Starts batchx in a process group of its own; `before` are the words before it, as of strace. */
  start(flags = [], { before = [], more = {} } = {}) {
    const words = [...before, process.execPath, this.program, 'run', 'pipeline.yaml', '--report', 'report.json'];
    const args = [...words, '--progress', 'none', ...this.use.flags, ...flags];
    const out = openSync(join(this.folder, 'stdout'), 'w');
    const line = this.use.piped === true ? ['sh', '-c', 'cat in.jsonl | "$@"', 'sh', ...args] : args;
    const child = spawn(line[0], line.slice(1), {
      cwd: this.folder,
      env: { ...env, ...more },
      stdio: ['ignore', out, 'pipe'],
      detached: true,
    });
    closeSync(out);
    this.#alive.add(child.pid);
    let stderr = '';
    let hung = false;
    child.stderr.on('data', (chunk) => (stderr += chunk));
    const timer = setTimeout(() => {
      hung = true;
      this.kill(child);
    }, LONGEST);
    const ended = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        this.#alive.delete(child.pid);
        resolve({ ended: hung ? 'hung' : (signal ?? code), stderr });
      });
    });
    return { child, ended };
  }

  run(flags, options) {
    return this.start(flags, options).ended;
  }

  kill({ pid }) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }

  /** Calls back at each call of the server, or now and then where there is none to tell. */
  onCall(listener) {
    if (this.use.calls === undefined) return this.#server.listen(listener);
    let known = this.calls.length;
    const timer = setInterval(() => {
      const now = this.calls.length;
      for (; known < now; known++) listener();
    }, 3);
    return () => clearInterval(timer);
  }

  /** The processes that still work in the folder, after a while in which they may end. */
  async left() {
    for (let tries = 0; ; tries++) {
      const left = processesIn(this.folder);
      if (left.length === 0 || tries === 40) return left.map((each) => `process left: ${each}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async close({ keep = false } = {}) {
    for (const pid of this.#alive) this.kill({ pid });
    await this.#server.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

function processesIn(folder) {
  if (!existsSync('/proc/self/cwd')) return [];
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      if (readlinkSync(`/proc/${pid}/cwd`) !== folder) return [];
      const [, state] = /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? [];
      return state === 'Z' ? [] : [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')}`];
    } catch {
      return [];
    }
  });
}

/** What an undisturbed run leaves. Throws when even that does not work. */
export async function undisturbed(work) {
  const { ended, stderr } = await work.run();
  if (ended !== 0) throw new Error(`the undisturbed run ended with ${ended}: ${stderr}`);
  const wanted = work.look();
  const calls = work.calls.length;
  if (calls !== work.keys.length) throw new Error(`the undisturbed run made ${calls} calls, not ${work.keys.length}`);
  work.anew();
  return wanted;
}

/** Numbers between 0 and 1 that are the same for the same seed. */
export function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
