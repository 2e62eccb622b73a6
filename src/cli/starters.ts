/** A pipeline to begin with. */
export interface Starter {
  readonly task: string;
  readonly does: string;
  /** The file, whose comments explain its keys. */
  readonly pipeline: string;
}

const HEAD = `# yaml-language-server: $schema=batchx.schema.json
#
# \`batchx schema > batchx.schema.json\` makes that file: with it editors complete and explain every key.
# \`batchx check FILE\` tells what is wrong with this one, \`batchx run FILE --dry-run\` what it would do.
# All sources, steps and outputs are listed by \`batchx steps\`, and their options by \`batchx steps NAME\`.
`;

const FILES = `${HEAD}
name: files
description: Reads text files, and writes what was made of each to a file of its own.

# Values for templates, as {{ config.least }}; \`batchx run FILE --set least=10\` replaces one.
config:
  least: 1 # the fewest words that a file is worth it for

# One item for each file. Others are given behind the name of this one: batchx run FILE 'notes/*.txt'
input:
  files: 'docs/**/*.md' # a glob in quotes; also a list of several
  exclude: ['**/node_modules/**'] # what is left out, however it was found
  order: name # or smallest, largest, newest, oldest; without it the first item comes at once
  limit: 1000 # no more than so many

# What is done to each item, one step after another.
steps:
  - read: text # the content of the file, which is called \`content\` from here on

  # Expressions are JavaScript, over \`data\` (here the file: path, relative, dir, filename, basename, ext), the results
  # of earlier steps, and \`config\`. What is filtered out counts as skipped.
  - filter: content.split(/\\s+/).filter(Boolean).length >= config.least

  - name: outline # what messages and the report call the step
    map: |
      content.split('\\n').filter((line) => line.startsWith('#')).join('\\n')
    output: outline # keeps the result beside the data, under this name; without it the data would be replaced

  # A file for each item, whole or not there at all. Values of an item cannot lead out of the folder.
  - write: '{{ relative }}.txt'
    content: |
      {{ filename }}
      {{ outline }}
    onExists: overwrite # or fail, or skip

  - map: '({ file: data.relative, lines: content.split("\\n").length })' # what is left of the item: a row below

outputRoot: out # the folder that all outputs lie in

output:
  - jsonl: files.jsonl # a row for each item
  - failed: failed.jsonl # those that failed, if any, with why
  - report: report.json # how it went

halt: soon,fail=20% # stop when a fifth has failed; the others are not begun then
`;

const COMMANDS = `${HEAD}
name: commands
description: Runs a command for each file, several at once.

input:
  files: '*.log' # a glob in quotes; others are given behind the name of this file
  order: largest # the longest first, so that none is left for the end

# How many at once: a number, 50% of the processors, or auto. Unless said one less than there are processors.
concurrency: auto

steps:
  - name: pack
    # One program and its arguments, with no shell between: each value is one argument, whatever is in it. {} is the
    # path, {.} without its extension, {/} the file name, {{ dir }} and others are fields of the item. A list gives the
    # words one by one.
    exec: tar -czf {outputPath} {}
    # The file that it makes. The command is given another name for it, {outputPath}, and the file gets its own once the
    # command has succeeded: no half of a file is ever taken for a whole one.
    creates: '{{ filename }}.tgz'
    onExists: skip # done before: the item is skipped; or fail, or overwrite
    stdout: ignore # or text, json, jsonl: what it writes is the result then
    okExit: [0] # other exit codes are failures
    timeout: 5m # the command is ended then, with all that it started
    retry: 2 # tried again so many times, after waits that grow

  # What is left of the item: a row of the results. Expressions are JavaScript.
  - map: '({ file: data.relative, packed: data.filename + ".tgz" })'

outputRoot: out # the folder that outputs lie in

output:
  - jsonl: commands.jsonl # a row for each item
  - failed: failed.jsonl # those that failed, if any
  - report: report.json # how it went, with the time of each step
`;

const API = `${HEAD}
name: api
description: Makes a request to an API for each row, no faster than it allows, and writes what came back.

# Values for templates and expressions; --set replaces one: batchx run FILE --set api=https://...
config:
  api: http://localhost:8080

# Variables of the environment that templates may name, as {{ env.API_TOKEN }}. Their values are shown nowhere.
# secrets: [API_TOKEN]

# One item for each row: of a file (jsonl: rows.jsonl, csv: rows.csv), of standard input (jsonl: '-'), or as here.
input:
  items:
    - { sku: a-1, price: 10 }
    - { sku: a-2, price: 12.5 }

# All steps that name a rate share it. No window of that length ever has more calls.
rates:
  shop: 5/s # or { limit: 100/m, burst: 10, per: '{{ store }}' }, which gives each store its own

# All steps that name a breaker pause while most of their calls fail, instead of making it worse.
breakers:
  shop: { failureRate: 50%, minCalls: 10, open: 30s }

steps:
  - name: update
    # Values are encoded for the place where they stand, and none leads to another.
    http: PUT {{ config.api }}/products/{{ sku }}
    # headers: { authorization: 'Bearer {{ env.API_TOKEN }}' }
    json: { price: '{{ price }}' } # a value that stands alone keeps its kind; body: and form: are other bodies
    expect: 2xx # the statuses that are a success
    rate: shop
    breaker: shop
    timeout: 10s # for one attempt
    retry: 3 # where it does no harm: a POST is only tried again if it was not done, or with an idempotencyKey
    concurrency: 4 # how many at once
    output: answer # what came back: JSON as a value, anything else as text

  - map: '({ sku: data.sku, answer })' # the row that is written

outputRoot: out # the folder that outputs lie in

output:
  - jsonl: updated.jsonl # a row for each item
  - failed: failed.jsonl # those that failed, and those of which nobody knows whether they were done
  - report: report.json # how it went: attempts, waits, how long it took

halt: soon,fail=20% # stop when a fifth has failed
`;

const CSV = `${HEAD}
name: csv
description: Reads a table, mends its rows, leaves out those that do not fit, and counts by a column.

config:
  least: 0

# One item for each row, with the cells by the names in the first row. All cells are text.
input:
  csv: people.csv # several in a list; '-' is standard input; .gz is unpacked
  # delimiter: ';' # a comma unless said
  # id: '{{ email }}' # what messages call a row; its place in the file unless said
  filter: data.name !== '' # others are skipped

steps:
  # Expressions are JavaScript over \`data\`, the row, and \`config\`. undefined would skip the row.
  - name: mend
    map: '({ ...data, name: data.name.trim(), age: Number(data.age || NaN) })'

  # A row that does not fit fails with what is wrong with it. It is a JSON Schema, or the path of one.
  - validate:
      type: object
      required: [name, age]
      properties:
        age: { type: number, minimum: 0 }

  - filter: data.age >= config.least

outputRoot: out # the folder that outputs lie in

output:
  - csv: people.csv # the rows as a table
  - failed: failed.jsonl # those that failed, with why; as the input of another run it has just these
  - report: report.json # how it went, with the values below

# What is made of all rows that went well; told at the end, and in the report.
aggregate:
  - count: {}
  - stats: data.age
    name: age
  - groupBy: data.team ?? 'none'
    name: teams

mode: flexible # a row that fails does not stop the others; strict would, best-effort lets \`optional\` steps fail
`;

/** The tasks that there is a pipeline for. */
export const starters: readonly Starter[] = [
  { task: 'files', does: 'read text files, and write one for each', pipeline: FILES },
  { task: 'commands', does: 'run a command for each file', pipeline: COMMANDS },
  { task: 'api', does: 'make a request to an API for each row, at its rate', pipeline: API },
  { task: 'csv', does: 'mend and check the rows of a table, and count them', pipeline: CSV },
];
