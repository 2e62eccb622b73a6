import { dirname, isAbsolute, join } from 'node:path';
import { BatchxError } from '../../core/errors.js';
import { MANIFEST_KEYS } from '../../core/manifest-keys.js';
import { didYouMean } from '../../core/suggest.js';
import type { Document, Fault } from './document.js';
import { faultsError } from './faults.js';
import { placedFaults } from './place-faults.js';
import { loadDocument } from './load-pipeline.js';
import { asKeys, type PipelineFile, textOf } from './pipeline-file.js';
import { shapeFaults } from './shape-faults.js';

/** What a manifest says besides its items. */
export interface Manifest {
  readonly path: string;
  readonly document: Document | undefined;
  /** The file of the pipeline that its items are for, where it names one. */
  readonly pipeline: string | undefined;
}

/** The keys of a pipeline that a manifest may say in its place. */
const REPLACED = ['output', 'outputRoot'] as const;

/** Reads what a manifest says besides its items; one of lines says nothing. What cannot be understood throws. */
export async function loadManifest(path: string): Promise<Manifest> {
  if (/\.(?:jsonl|ndjson)$/.test(path)) return { path, document: undefined, pipeline: undefined };
  const document = await loadDocument(path);
  const { value } = document;
  if (Array.isArray(value)) return { path, document: undefined, pipeline: undefined };
  const faults: Fault[] = Object.keys(asKeys(value)).flatMap((key) =>
    (MANIFEST_KEYS as readonly string[]).includes(key)
      ? []
      : [{ path: [key], key: true, message: `\`${key}\` is not known here${didYouMean(key, MANIFEST_KEYS) || known}` }],
  );
  const { items, pipeline } = asKeys(value);
  if (!Array.isArray(items)) faults.push({ path: [], message: 'expected a list of items, or one under `items`' });
  if (pipeline !== undefined && textOf(pipeline) === undefined)
    faults.push({ path: ['pipeline'], message: 'expected the path of a pipeline' });
  if (faults.length > 0) throw faultsError(placedFaults(document, faults));
  const named = textOf(pipeline);
  const beside = named === undefined || isAbsolute(named) ? named : join(dirname(path), named);
  return { path, document, pipeline: beside };
}

const known = `; there are ${MANIFEST_KEYS.join(', ')}`;

/** A pipeline that works on the items of a manifest, with its outputs where it names some. */
export function withManifest(file: PipelineFile, { path, document }: Manifest): PipelineFile {
  const keys = { ...file.keys, input: { manifest: path } };
  if (document === undefined) return { ...file, keys };
  const said = Object.fromEntries(
    Object.entries(asKeys(document.value)).filter(([key]) => (REPLACED as readonly string[]).includes(key)),
  );
  const faults = shapeFaults(file.schema, said).map((fault) => ({ ...fault, document }));
  const elsewhere = new Map(Object.keys(said).map((key) => [key, document]));
  return { ...file, keys: { ...keys, ...said }, elsewhere, faults: [...file.faults, ...faults] };
}

/** The same faults, those of what another file says in its place. */
export const foundElsewhere = ({ path: own, elsewhere }: PipelineFile, faults: readonly Fault[]): Fault[] =>
  faults.map((fault) => {
    const path = fault.path.slice(own.length);
    const document = fault.document === undefined ? elsewhere?.get(String(path[0])) : undefined;
    return document === undefined ? fault : { ...fault, path, document };
  });

/** The manifest that a run is given has to name its pipeline, unless that is given too. */
export function pipelineOfManifest({ path, pipeline }: Manifest, given: string | undefined): string {
  const named = given ?? pipeline;
  if (named !== undefined) return named;
  throw new BatchxError(
    'usage',
    `${path} names no pipeline; name it there under \`pipeline\`, or as in: batchx run --manifest ${path} pipeline.yaml`,
  );
}
