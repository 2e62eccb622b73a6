import { endProcess } from '../src/cli/exit.js';
import { cli } from '../src/cli/main.js';

await endProcess(await cli(process.argv.slice(2)));
