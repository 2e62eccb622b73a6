// The pipelines that are disturbed.

/** How many calls they have running at once. */
export const CONCURRENCY = 4;

const input = 'input: { jsonl: in.jsonl, id: "{{ id }}" }';
const output = 'output:\n  - jsonl: out.jsonl';
const put = (url) => `  - http: "PUT ${url}/{{ id }}"\n    json: "{{ data }}"\n    output: answer`;
const write = (name) => `  - write: "files/{{ ${name} }}.json"\n    content: "{{ answer }}"`;

const rows = (count) => Array.from({ length: count }, (_, i) => ({ id: `i${i}`, n: i }));
const whole = {
  rows,
  keys: (row) => [row.id],
  keysOf: (row) => [row.id],
  lines: ['out.jsonl'],
  flags: [],
};

/**
 * `rows` are those of the input, `keys` what is to be called for each of them, and `keysOf` those of a row of the output.
 * `fileOf` is the name of the file that is written for an item, `into` the folder of its folder, `partsOf` are those that an item is split into.
 * `calls` names the file in which calls are noted, where the server does not.
 */
export const cases = {
  http: { ...whole, fileOf: (id) => id, pipeline: (url) => [input, 'steps:', put(url), write('id'), output] },
  // All that is written goes to folders that are not there.
  folders: {
    ...whole,
    fileOf: (id) => id,
    into: 'made/here',
    lines: ['there/too/out.jsonl'],
    pipeline: (url) => [
      input,
      'steps:',
      put(url),
      '  - write: "made/here/files/{{ id }}.json"\n    content: "{{ answer }}"',
      'output:\n  - jsonl: there/too/out.jsonl',
    ],
  },
  ordered: { ...whole, ordered: true, flags: ['--keep-order'], pipeline: (url) => [input, 'steps:', put(url), output] },
  piped: {
    ...whole,
    piped: true,
    lines: ['stdout'],
    pipeline: (url) => [
      'input: { jsonl: "-", id: "{{ id }}" }',
      'steps:',
      put(url),
      '  - map: "({ id: data.id, answer })"',
      'output:\n  - jsonl: "-"',
    ],
  },
  split: {
    ...whole,
    rows: (count) =>
      Array.from({ length: Math.ceil(count / 4) }, (_, i) => ({
        id: `w${i}`,
        parts: Array.from({ length: 4 }, (_, j) => ({ part: `w${i}-${j}`, n: j })),
      })),
    keys: ({ parts }) => parts.map(({ part }) => part),
    keysOf: (row) => [row.part],
    partsOf: (id) => [1, 2, 3, 4].map((nth) => `${id}/${nth}`),
    fileOf: (id) => {
      const [row, nth] = id.split('/');
      return nth === undefined ? undefined : `${row}-${Number(nth) - 1}`;
    },
    pipeline: (url) => [
      input,
      'steps:',
      '  - split: data.parts',
      `  - http: "PUT ${url}/{{ data.part }}"\n    json: "{{ data }}"\n    output: answer`,
      write('data.part'),
      '  - map: "({ part: data.part, answer })"',
      output,
    ],
  },
  batch: {
    ...whole,
    keysOf: (row) => row.ids,
    gathered: true,
    pipeline: (url) => [
      input,
      'steps:',
      put(url),
      '  - batch: { size: 5 }',
      '  - map: "({ ids: data.map(({ id }) => id) })"',
      output,
    ],
  },
  exec: {
    ...whole,
    calls: 'calls.log',
    files: { 'work.sh': 'echo "$1" >> calls.log\nprintf \'{"id":"%s","by":"exec"}\' "$1"\n' },
    pipeline: () => [
      input,
      `concurrency: ${CONCURRENCY}`,
      'steps:',
      '  - exec: ["sh", "work.sh", "{{ id }}"]\n    stdout: json\n    output: answer\n    effect: writes',
      write('id'),
      output,
    ],
  },
};
