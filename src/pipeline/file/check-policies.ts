import { backoffOptions } from '../../core/policy/backoff.js';
import { breakerOptions } from '../../core/policy/breaker-options.js';
import { rateText, toRate } from '../../core/rate.js';
import { duration, toMs } from '../../core/schema.js';
import { showMs } from '../../core/show-ms.js';
import type { Fault, Path } from './document.js';
import { asKeys, entriesOf, type Entry, type PipelineFile, placeOfKey, recipesIn, textOf } from './pipeline-file.js';
import { saidOf, sharedBy } from './scopes.js';

/** What no call could ever keep to, as far as that follows from what is written: rates, deadlines and retries that exclude each other. */
export function policyFaults(file: PipelineFile): Fault[] {
  const own = entriesOf(file, 'steps').flatMap((entry) =>
    stepFaults(file, entry).map((fault) => ({ ...fault, document: fault.document ?? entry.recipe?.file.document })),
  );
  const recipes = recipesIn(file).flatMap((recipe) =>
    topFaults(recipe).map((fault) => ({ ...fault, document: recipe.document })),
  );
  return [...topFaults(file), ...recipes, ...own];
}

/** Of what stands at the top of a file. */
function topFaults(file: PipelineFile): Fault[] {
  const { keys } = file;
  const at = (key: string): Path => placeOfKey(file, key);
  const top = [
    ...burstFaults(keys.rate, at('rate')),
    ...retryFaults(keys.retry, at('retry')),
    ...breakerFaults(keys.breaker, at('breaker')),
  ];
  const named = [
    ...Object.entries(asKeys(keys.rates)).flatMap(([name, rate]) => burstFaults(rate, [...at('rates'), name])),
    ...Object.entries(asKeys(keys.breakers)).flatMap(([name, breaker]) =>
      breakerFaults(breaker, [...at('breakers'), name]),
    ),
  ];
  return [...top, ...named];
}

function stepFaults(file: PipelineFile, entry: Entry): Fault[] {
  const { form, path, value } = entry;
  const { definition } = form;
  if (definition.kind !== 'step' || !form.common.has('rate')) return [];
  const own = form.common.has('retry') ? value : {};
  return [
    ...burstFaults(own.rate, [...path, 'rate']),
    ...retryFaults(own.retry, [...path, 'retry']),
    ...breakerFaults(own.breaker, [...path, 'breaker']),
    ...deadlineFaults(file, entry),
  ];
}

/** Of a rate that is written in its parts. */
function burstFaults(rate: unknown, path: Path): Fault[] {
  const { limit, burst } = asKeys(rate);
  if (typeof burst !== 'number' || !rateText().safeParse(limit).success) return [];
  const { limit: calls } = toRate(limit as string);
  if (burst <= calls) return [];
  const message = `expected no more than the limit, which is ${calls} at any time, got ${burst}`;
  return [{ path: [...path, 'burst'], message }];
}

function retryFaults(retry: unknown, path: Path): Fault[] {
  const said = asKeys(retry);
  const usual = backoffOptions.shape;
  const initial = ms(said.initial ?? usual.initial.def.defaultValue);
  const max = ms(said.max ?? usual.max.def.defaultValue);
  const deadline = ms(said.deadline);
  // One that is not understood is told as that.
  if (!Number.isFinite(initial)) return [];
  const faults: Fault[] = [];
  if (initial > max) {
    const key = said.initial === undefined ? 'max' : 'initial';
    const message = `the first wait, \`initial\`, is ${showMs(initial)}, and no wait is longer than \`max\`, ${showMs(max)}: lower the one or raise the other`;
    faults.push({ path: [...path, key], message });
  } else if (deadline < initial) {
    const message = `there may be no time left for a retry: the first wait, \`initial\`, is up to ${showMs(initial)}; expected a longer \`deadline\`, or a shorter \`initial\``;
    faults.push({ path: [...path, 'deadline'], message });
  }
  return faults;
}

function breakerFaults(breaker: unknown, path: Path): Fault[] {
  const said = asKeys(breaker);
  const usual = breakerOptions.shape;
  const open = ms(said.open ?? usual.open.def.defaultValue);
  const maxWait = ms(said.maxWait ?? usual.maxWait.def.defaultValue);
  if ((said.onOpen ?? 'wait') !== 'wait' || !Number.isFinite(open) || !(maxWait < open)) return [];
  const key = said.maxWait === undefined ? 'open' : 'maxWait';
  const message = `the run would end before the server is tried again: \`maxWait\` is ${showMs(maxWait)}, \`open\` ${showMs(open)}; let \`maxWait\` be longer, or say \`onOpen: halt\``;
  return [{ path: [...path, key], message }];
}

/** A deadline that a rate, or the first wait before a retry, uses up. */
function deadlineFaults(file: PipelineFile, entry: Entry): Fault[] {
  const said = saidOf(file, entry, 'deadline');
  const deadline = ms(said.value);
  const { value: rate, scopes } = saidOf(file, entry, 'rate');
  const { value: retry } = saidOf(file, entry, 'retry');
  if (!Number.isFinite(deadline)) return [];
  // Told where it is written: on the step, or at the top of a file.
  const { top } = said;
  const where =
    top === undefined
      ? { path: [...entry.path, 'deadline'] }
      : { path: placeOfKey(top, 'deadline'), document: top.document };
  const shared = textOf(rate);
  const name = shared === undefined || shared.includes('/') ? undefined : shared;
  const value = name === undefined ? rate : sharedBy(scopes, 'rates', name)?.value;
  const gap = gapOf(value);
  if (gap > deadline) {
    const of = name === undefined ? 'the rate' : `the rate \`${name}\``;
    const message = `an item waits longer than that for its turn: ${of} lets one call start in ${showMs(gap)}; expected a longer \`deadline\`, or a higher rate`;
    return [{ ...where, message }];
  }
  const { initial } = asKeys(retry);
  if (ms(initial) > deadline && Number.isFinite(ms(initial))) {
    const message = `there may be no time left for a retry: the first wait, \`initial\`, is up to ${showMs(ms(initial))}; expected a longer \`deadline\`, or a shorter \`initial\``;
    return [{ ...where, message }];
  }
  return [];
}

/** How far apart calls start that follow each other, in milliseconds; 0 where that is not known. */
function gapOf(rate: unknown): number {
  const { limit, requests } = asKeys(rate);
  const text = [rate, limit, requests].find((each) => rateText().safeParse(each).success);
  if (text === undefined) return 0;
  const { limit: calls, perMs } = toRate(text as string);
  return perMs / calls;
}

/** A time in milliseconds; infinite where there is none, or none that is understood. */
const ms = (text: unknown): number => (duration().safeParse(text).success ? toMs(text as string) : Infinity);
