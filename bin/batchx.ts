// First of all, and before anything is loaded: unless somebody listens, SIGUSR1 makes Node open its inspector.
process.on('SIGUSR1', () => undefined);

const [{ cli }, { endProcess }] = await Promise.all([import('../src/cli/main.js'), import('../src/cli/exit.js')]);

await endProcess(await cli(process.argv.slice(2)));
