import { defineCommand } from '../command.js';
import { planFlags } from '../plan-flags.js';

export const command = defineCommand({
  name: 'plan',
  usage: '<pipeline.yaml> [input...]',
  summary: 'Tells what a run of a pipeline would do: how many items are new, changed, failed, done or gone, and why.',
  examples: [
    { line: 'batchx plan pipeline.yaml', does: 'In a few lines.' },
    { line: 'batchx plan pipeline.yaml --items', does: 'Each item, and why it would be run.' },
    { line: `batchx plan pipeline.yaml --retry failed`, does: 'With what failed before.' },
    {
      line: `batchx plan pipeline.yaml --items --json | jq -r 'select(.runs).id'`,
      does: 'Just the ids of what would be run.',
    },
  ],
  flags: planFlags,
  notes: [
    'The whole input is read, as the run would read it, and looked up in the job; nothing is run, written or locked, so that it can be asked while a run goes on.',
    'An item has changed when its content has, when a step has that did its work, when files that were written for it are missing, or when its result is needed and was not kept. What failed or is in doubt stays so unless --retry says otherwise.',
  ],
  async run(line) {
    const { planPipeline } = await import('../pipelines.js');
    return planPipeline(line);
  },
});
