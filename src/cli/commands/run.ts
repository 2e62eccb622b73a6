import { defineCommand } from '../command.js';
import { runFlags } from '../run-flags.js';

export const command = defineCommand({
  name: 'run',
  usage: '<pipeline.yaml> [input...]',
  summary: 'Runs the pipeline of a file, once everything that can be known before it starts has been checked.',
  examples: [
    { line: 'batchx run pipeline.yaml', does: 'Its input, its steps, its outputs.' },
    { line: `batchx run pipeline.yaml 'photos/*.avif' --limit 10`, does: 'Other files, and ten of them only.' },
    { line: 'cat rows.jsonl | batchx run pipeline.yaml - > results.jsonl', does: 'In a pipe.' },
    {
      line: 'batchx run pipeline.yaml --set model=small --output /tmp/try',
      does: 'With another value, into another folder.',
    },
  ],
  flags: runFlags,
  notes: [
    '`batchx pipeline.yaml` is short for `batchx run pipeline.yaml`. What is wrong with the file is told with its line and column, all of it at once, and nothing is started: exit code 2. `batchx check` only checks.',
    'Inputs behind the file take the place of its own, and are read as that would be. Without an `output` in the file, results go to standard output.',
    'The exit code is 0 when all went well, 1 when some items failed, 2 for a pipeline that is wrong, 3 for a halt, 4 when there is nothing to do, 5 when an output cannot be written.',
  ],
  async run(line) {
    const { runPipelineFile } = await import('../pipelines.js');
    return runPipelineFile(line);
  },
});
