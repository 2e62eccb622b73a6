import { defineCommand } from '../command.js';
import { execFlags } from '../exec-flags.js';
import { type ExecLine, parseExecLine } from '../exec-line.js';
import { flagsIn } from '../exec-parts.js';
import { runCommands } from '../exec-run.js';

export const command = defineCommand<typeof execFlags, ExecLine>({
  name: 'exec',
  usage: '<command> [input...]',
  summary: 'Runs a command for each value, file or row, several at once, and writes the output of each as a whole.',
  examples: [
    {
      line: `batchx exec 'flac --best {}' 'recordings/**/*.wav'`,
      does: 'A command for each file that matches; quotes leave the pattern to batchx.',
    },
    {
      line: `batchx exec 'ffmpeg -i {} {.}.png' 'photos/*.avif' --creates '{.}.png'`,
      does: 'Each file has its name only once it is whole, whatever happens.',
    },
    { line: `batchx exec -j4 gzip -9 ::: a.log b.log`, does: 'Values, as GNU parallel takes them.' },
    {
      line: `cat urls.txt | batchx exec -k --timeout 10s --retries 3 'curl -fsS {}'`,
      does: 'A value for each line; output in its order; what fails is tried again.',
    },
    {
      line: `batchx exec 'convert {1} -resize {2} {1.}-{2}.png' ::: *.jpg ::: 50% 25%`,
      does: 'All combinations of several lists.',
    },
    {
      line: `batchx exec --in csv 'mkdir -p {{ team }}/{{ name }}' people.csv`,
      does: 'Rows, with their fields.',
    },
    { line: `batchx exec --shell 'grep -c "error" {} | sort' 'logs/*.txt'`, does: 'A script, run by sh.' },
  ],
  flags: execFlags,
  notes: [
    'The command is split into words as a shell would do it, but no shell runs: each placeholder is one argument, whatever is in its value. {} is the value, {.} without its extension, {/} its last part, {//} its folder, {/.} the last part without extension, {1} {2} {1.} ... those of several lists or columns, {#} the number of the command, {%} the number of the slot that it runs in, {outputPath} the file of --creates, {{ name }} a field of a row. Without a placeholder the value comes last.',
    'Values are given behind ::: or, a file with a value on each line, behind :::: or -a; `:::+` and `::::+` go along with the list before. Otherwise inputs are files, globs in quotes and folders, each file a value; without any, each line of standard input is one.',
    'Before values, and where one of the words has a placeholder, flags end with the first word of the command, as in GNU parallel. Elsewhere the command is one word, in quotes if need be, and flags may stand anywhere; or it is all that comes behind --.',
    'What a command writes is shown when it is done, first what went to standard output, then standard error, and never between that of another. An exit code other than 0 is a failure. The exit code is 0 when all went well, 1 when some failed, 2 for wrong usage, 3 for a halt, 4 when there is nothing to do, 5 when an output cannot be written.',
    '--out jsonl keeps 1 MB of what a command writes to each stream: of more it has the beginning, with `truncated` and the number of bytes; what is not UTF-8 it has in base64, too. --results has a folder for each command, by its values: 1/VALUE/stdout and stderr; of those with the same values all but one have their number in its name, as in 1/VALUE%#7.',
    'Ctrl-C starts nothing more and lets running commands end, up to 30 seconds; again, it ends them with all that they started. Two within a tenth of a second count as one.',
  ],
  flagsIn,
  parse: parseExecLine,
  run: runCommands,
});
