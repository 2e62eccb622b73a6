import * as z from 'zod';
import { BatchxError } from '../../core/errors.js';
import { defineCommand } from '../command.js';
import { EXIT } from '../exit.js';

const SHELLS = ['bash', 'zsh'] as const;

export const command = defineCommand({
  name: 'completion',
  usage: '[bash|zsh]',
  summary: 'Prints a script that completes commands, flags and their values in your shell.',
  examples: [
    { line: `source <(batchx completion bash)`, does: 'For this shell.' },
    { line: `batchx completion zsh >> ~/.zshrc`, does: 'For every zsh from now on.' },
  ],
  flags: z.strictObject({}),
  async run({ positionals: [given] }) {
    const shell = given ?? (process.env.SHELL?.endsWith('zsh') === true ? 'zsh' : 'bash');
    if (shell !== 'bash' && shell !== 'zsh') throw new BatchxError('usage', `expected one of ${SHELLS.join(', ')}, got "${shell}"`);
    const { completionScript } = await import('../completions.js');
    process.stdout.write(await completionScript(shell));
    return EXIT.ok;
  },
});
