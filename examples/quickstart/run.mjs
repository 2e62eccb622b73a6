/**
 * Starts the service that the pipeline asks, runs the pipeline with what is built in dist/, and ends both.
 *
 *   node examples/quickstart/run.mjs [flag...]        in the folder of the project
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { outlineServer } from './server.mjs';

const root = join(import.meta.dirname, '../..');
const server = outlineServer().listen(0, '127.0.0.1');
await once(server, 'listening');

const api = `http://127.0.0.1:${server.address().port}`;
const args = ['run', join(import.meta.dirname, 'pipeline.yaml'), '--set', `api=${api}`, ...process.argv.slice(2)];
const batchx = spawn(process.execPath, [join(root, 'dist/bin/batchx.js'), ...args], { stdio: 'inherit' });
// Ctrl-C is for batchx, which ends in its own way.
process.on('SIGINT', () => undefined);
const [code, signal] = await once(batchx, 'exit');
server.close();
server.closeAllConnections();
if (signal !== null) process.kill(process.pid, signal);
process.exitCode = code ?? 1;
