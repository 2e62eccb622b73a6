// Writes the paths that a pattern finds to a file. Prints the milliseconds from the subscription to the end of the
// writing and to the first file, and the most memory that the process took, in MB.
import { closeSync, openSync, writeSync } from 'node:fs';
import { files } from 'batchx';

const [pattern, output] = process.argv.slice(2);
const times = await walk();
console.log(JSON.stringify({ ...times, peak: process.resourceUsage().maxRSS / 1024 }));

function walk() {
  const fd = openSync(output, 'w');
  const found = files(pattern);
  const started = performance.now();
  const since = () => performance.now() - started;
  let first;
  let text = '';
  return new Promise((resolve, reject) => {
    found.subscribe({
      next({ data: { path } }) {
        first ??= since();
        text += `${path}\n`;
        if (text.length < 65_536) return;
        writeSync(fd, text);
        text = '';
      },
      error: reject,
      complete() {
        writeSync(fd, text);
        closeSync(fd);
        resolve({ ms: since(), first });
      },
    });
  });
}
