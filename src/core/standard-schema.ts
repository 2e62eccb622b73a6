import { BatchxError } from './errors.js';
import { unfit, valueAt } from './faults.js';
import { isPromiseLike } from './promise.js';

/** A schema of zod, valibot, arktype or any other library that keeps to Standard Schema 1. */
export interface StandardSchema<Out = unknown> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Out> | Promise<StandardResult<Out>>;
    readonly types?: { readonly input: unknown; readonly output: Out } | undefined;
  };
}

type StandardResult<Out> =
  | { readonly value: Out; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string;
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
      }[];
    };

/** Whether something is such a schema; some libraries make functions of them. */
export function isStandardSchema(schema: unknown): schema is StandardSchema {
  return ((typeof schema === 'object' && schema !== null) || typeof schema === 'function') && '~standard' in schema;
}

/** The schema as a function that gives its output, or the promise of it, and throws an error that names each fault. */
export function standardCheck(schema: StandardSchema): (data: unknown) => unknown {
  const { version, validate } = schema['~standard'];
  if (version !== 1 || typeof validate !== 'function') {
    throw new BatchxError('usage', `expected a schema of Standard Schema version 1, got version ${String(version)}`);
  }
  return (data) => {
    const result = validate(data);
    return isPromiseLike<StandardResult<unknown>>(result)
      ? result.then((done) => accepted(done, data))
      : accepted(result, data);
  };
}

function accepted(result: StandardResult<unknown>, data: unknown): unknown {
  if (result.issues === undefined) return result.value;
  throw unfit(
    result.issues.map(({ message, path = [] }) => {
      const keys = path.map((part) => (typeof part === 'object' ? part.key : part));
      return { path: keys, says: message, value: valueAt(data, keys) };
    }),
  );
}
