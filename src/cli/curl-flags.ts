import { BatchxError } from '../core/errors.js';

/** What those say here who write flags of curl that `http` does not have. */
const INSTEAD: Readonly<Record<string, string>> = {
  '-X': 'the method stands before the URL, as in: batchx http PUT https://...',
  '-F': '--form sends the fields of a form',
  '-u': "say it in a header, as in -H 'authorization: Basic {{ env.TOKEN }}' --secret TOKEN",
  '-A': "say it in a header, as in -H 'user-agent: ...'",
  '-b': "say it in a header, as in -H 'cookie: ...'",
  '-G': '--query adds to the query of the URL',
  '-I': 'the method stands before the URL, as in: batchx http HEAD https://...',
  '-i': '--as response gives the status and the headers too',
  '-f': 'a status that is no success is a failure anyway',
  '-s': '-q says nothing of failures and of how it goes',
  '-o': 'standard output has all results: > FILE',
  '-m': '--timeout is the time that a request may take',
  '--retry': '--retries says how often',
  '--data-raw': '--data sends a text',
  '--data-binary': "--data '@FILE' sends the text of a file",
  '--data-urlencode': '--form encodes the values of the fields of a form, --query those of a query',
};

const LONG: Readonly<Record<string, string>> = {
  '--request': '-X',
  '--user': '-u',
  '--user-agent': '-A',
  '--cookie': '-b',
  '--get': '-G',
  '--head': '-I',
  '--include': '-i',
  '--fail': '-f',
  '--silent': '-s',
  '--output': '-o',
  '--max-time': '-m',
};

/** An error about flags, with what there is here for those of curl. */
export function withCurlHints(error: unknown, args: readonly string[]): unknown {
  if (!(error instanceof BatchxError) || !error.message.includes('no flag is called')) return error;
  const end = args.findIndex((arg) => arg === '--' || arg === ':::');
  const hints = (end < 0 ? args : args.slice(0, end)).flatMap((arg) => {
    const given = arg.startsWith('--') ? (arg.split('=', 1)[0] ?? arg) : arg.slice(0, 2);
    const instead = INSTEAD[LONG[given] ?? given];
    return instead !== undefined && error.message.includes(`no flag is called ${given}`)
      ? [`${given} is of curl: ${instead}`]
      : [];
  });
  return hints.length === 0 ? error : new BatchxError(error.code, [error.message, ...new Set(hints)].join('\n'));
}

/** Throws for `--json '{...}'`, which is a body for curl, and here would be taken for an input. */
export function refuseJsonBody(args: readonly string[]): void {
  const end = args.findIndex((arg) => arg === '--' || arg === ':::');
  const own = end < 0 ? args : args.slice(0, end);
  for (const [at, arg] of own.entries()) {
    const given = arg.startsWith('--json=') ? arg.slice('--json='.length) : arg === '--json' ? own[at + 1] : undefined;
    // A value of the row may be the URL that stands behind it.
    if (given === undefined || !/^\s*(?:[["@]|\{(?!\{))/.test(given)) continue;
    throw new BatchxError(
      'usage',
      `--json: expected no value, got ${cut(given)}: it prints the report of the run; --json-body sends a body of JSON, and -d one of text`,
    );
  }
}

/** So much of a body is told. */
const SHOWN = 60;

const cut = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);
