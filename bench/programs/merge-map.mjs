// What one writes first: an asynchronous iterable of lines into mergeMap.
import { createInterface } from 'node:readline';
import { from, mergeMap } from 'rxjs';

const [cap, ms] = process.argv.slice(2).map(Number);

from(createInterface({ input: process.stdin }))
  .pipe(mergeMap((line) => new Promise((resolve) => setTimeout(resolve, ms, JSON.parse(line).id)), cap))
  .subscribe((id) => process.stdout.write(`${id}\n`));
