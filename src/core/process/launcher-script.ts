/**
 * What the launcher runs: it is told programs, a line of JSON each, on its stdin, and tells on its
 * stdout how they fare. It is a text, as it has to run on its own wherever this code has been bundled.
 *
 * To it:
 * - `{ env }`: the environment of those that follow;
 * - `{ id, file, args, cwd, mark, stdio, files }`: start one; `stdio` are descriptors of the process that it works for,
 *   and `files` what they lead to: where it sees another /proc they would be those of a stranger.
 *
 * From it:
 * - `{}`: it is ready;
 * - `{ id, pid, at }`: one was started, at that time of day;
 * - `{ id, code, signal, ms }`: it has ended;
 * - `{ id, no }`: it was not started, by an error of that code, or `open` where a descriptor could not be opened;
 * - `{ idle }`: it has had nothing to do for a while.
 *
 * It ends with its stdin. A signal that it gets was meant for the process that it works for, as the parent of the
 * programs that it would be without it.
 */
export const launcherScript = `'use strict';
const { spawn } = require('child_process');
const { closeSync, constants, fstatSync, openSync, writeSync } = require('fs');
process.title = 'batchx launcher';
const parent = Number(process.argv[1]);
const tell = (message) => writeSync(1, JSON.stringify(message) + '\\n');
let env = {};
let running = 0;
const rest = setTimeout(() => { if (running === 0) tell({ idle: true }); }, Number(process.argv[2]));
function start({ id, file, args, cwd, mark, stdio, files }) {
  if (process.ppid !== parent) process.exit();
  const fds = [];
  const open = (fd, at) => {
    if (typeof fd === 'string') return fd;
    const flags = at === 0 ? constants.O_RDONLY : constants.O_WRONLY;
    const opened = openSync('/proc/' + parent + '/fd/' + fd, flags);
    const { dev, ino } = fstatSync(opened);
    if (dev + ':' + ino === files[at]) return fds[fds.push(opened) - 1];
    closeSync(opened);
    throw new Error('it is another file');
  };
  const refuse = ({ code }) => tell({ id, no: fds.length < wanted ? 'open' : String(code) });
  const wanted = stdio.filter((fd) => typeof fd === 'number').length;
  try {
    const given = stdio.map(open);
    env.BATCHX_RUN = mark;
    const at = Date.now();
    const began = performance.now();
    const child = spawn(file, args, { cwd, env, stdio: given, detached: true });
    child.on('error', refuse);
    if (child.pid === undefined) return;
    running++;
    tell({ id, pid: child.pid, at });
    child.on('exit', (code, signal) => {
      tell({ id, code, signal, ms: performance.now() - began });
      if (--running === 0) rest.refresh();
    });
  } catch (error) {
    refuse(error);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
let text = '';
process.stdin.setEncoding('utf8').on('data', (chunk) => {
  const lines = (text + chunk).split('\\n');
  text = lines.pop();
  for (const line of lines) {
    const message = JSON.parse(line);
    if (message.env) env = message.env;
    else start(message);
  }
  rest.refresh();
});
for (const event of ['end', 'error', 'close']) process.stdin.on(event, () => process.exit());
for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'])
  process.on(signal, () => process.ppid === parent && process.kill(parent, signal));
tell({});`;
