/**
 * Which licences do the packages of a project have, and how big are they? Reads rows, checks them, writes a table of
 * the large ones and prints a summary.
 *
 *   npm run example -- licences [rows.jsonl [table.csv]]
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aggregate, count, filterItems, groupBy, jsonl, mapItems, stats, toCsv, validate } from 'batchx';
import { lastValueFrom } from 'rxjs';
import * as z from 'zod';

const [input = 'examples/data/packages.jsonl', output = join(tmpdir(), 'licences.csv')] = process.argv.slice(2);

const Package = z.object({
  name: z.string(),
  license: z.string().default('unknown'),
  dependencies: z.array(z.string()),
  bytes: z.number(),
});

/** A row of the table. Its keys are the columns. */
interface Row {
  readonly name: string;
  readonly license: string;
  readonly dependencies: number;
  readonly kilobytes: number;
}

const summary = jsonl(input).pipe(
  // What zod makes of a row is what the next steps see: typed, with the default filled in. A row that does not fit
  // goes on as failed, and is in neither the table nor the figures.
  validate(Package),
  filterItems(({ bytes }) => bytes > 100_000),
  mapItems(({ name, license, dependencies, bytes }): Row => ({
    name,
    license,
    dependencies: dependencies.length,
    kilobytes: Math.round(bytes / 1024),
  })),
  // Names begin with `@`, which a spreadsheet would take for a formula. This table is for programs.
  toCsv(output, { formulas: 'keep' }),
  aggregate({
    packages: count(),
    kilobytes: stats((row) => row.kilobytes),
    licences: groupBy((row) => row.license, { packages: count() }),
  }),
);

const { packages, kilobytes, licences } = await lastValueFrom(summary);
console.log(
  `${packages} packages of more than 100 KB, ${kilobytes.sum} KB in all, half of them up to ${kilobytes.p50} KB`,
);
for (const licence of licences) console.log(`${String(licence.packages).padStart(5)} ${String(licence.key)}`);
console.log(`the table is in ${output}`);
