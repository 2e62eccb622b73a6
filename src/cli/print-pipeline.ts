import { builtin } from '../builtin.js';
import { exportsOf } from '../core/commonjs.js';
import { printable } from '../core/printable.js';
import { createRuntime } from '../core/runtime.js';
import { checkPipeline } from '../pipeline/file/check.js';
import { documentOf } from '../pipeline/file/document.js';
import { type Keys, pipelineIn } from '../pipeline/file/pipeline-file.js';
import { adHocError } from './ad-hoc-faults.js';
import { type Ending, EXIT } from './exit.js';
import { writeOut } from './write-out.js';

/** What a command line says that stands nowhere in the file of a pipeline. */
export interface Beside {
  /** Flags of `batchx run`. */
  readonly flags: readonly string[];
  /** What `batchx run` does otherwise. */
  readonly notes: readonly string[];
}

/** Prints the file of a pipeline that does what a command line does, once it is known that it can be run. */
export async function printPipeline(name: string, keys: Keys, { flags, notes }: Beside): Promise<Ending> {
  const faults = await checkPipeline(pipelineIn(documentOf(keys, name), builtin), createRuntime());
  if (faults.length > 0) throw adHocError(faults);
  const { stringify } = exportsOf(await import('yaml'));
  const line = ['batchx run pipeline.yaml', ...flags].join(' ');
  const comments = [`To run it: ${line}`, ...notes].map((each) => `# ${printable(each)}\n`).join('');
  await writeOut(comments + stringify(keys, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false }));
  return EXIT.ok;
}

interface RunFlags {
  readonly 'allow-empty': boolean;
  readonly quiet: boolean;
  readonly progress: string;
  readonly 'dry-run'?: boolean;
}

/** The flags that `run` has as well, as they are given to it. */
export const runFlagsOf = (flags: RunFlags): string[] => [
  ...(flags['allow-empty'] ? ['--allow-empty'] : []),
  ...(flags.quiet ? ['-q'] : []),
  ...(flags.progress === 'auto' ? [] : [`--progress ${flags.progress}`]),
  ...(flags['dry-run'] === true ? ['--dry-run'] : []),
];
