import * as z from 'zod';
import { BatchxError } from '../../core/errors.js';
import { defineCommand } from '../command.js';
import { completionScripts } from '../completion-scripts.js';
import { EXIT } from '../exit.js';
import { writeOut } from '../write-out.js';

type Shell = keyof typeof completionScripts;
const shells = Object.keys(completionScripts);

export const command = defineCommand({
  name: 'completion',
  usage: '[bash|zsh]',
  summary: 'Prints a script that completes commands, flags and their values in your shell.',
  examples: [
    { line: `source <(batchx completion bash)`, does: 'For this shell.' },
    { line: `batchx completion zsh >> ~/.zshrc`, does: 'For every zsh from now on.' },
  ],
  flags: z.strictObject({}),
  notes: ['Without a name it is the script for the shell in $SHELL.'],
  choices: shells,
  async run({ positionals, literals }) {
    const ours = process.env.SHELL?.endsWith('zsh') === true ? 'zsh' : 'bash';
    const [shell = ours, ...more] = [...positionals, ...(literals ?? [])];
    if (!shells.includes(shell) || more.length > 0) {
      throw new BatchxError('usage', `expected one of ${shells.join(', ')}, got ${[shell, ...more].join(' ')}`);
    }
    await writeOut(completionScripts[shell as Shell]);
    return EXIT.ok;
  },
});
