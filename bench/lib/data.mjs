import { closeSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../data');

/** Rows of an order, about 276 bytes each: the same for the same count, on any machine. */
export const orders = (count) => file(`orders-${count}.jsonl`, count, order());

/** Rows of about 35 bytes. */
export const smallRows = (count) =>
  file(`small-${count}.jsonl`, count, (i) => `{"id":${i},"v":${(i * 7919) % 1000},"tag":"t${i % 17}"}`);

/** Where a bench may write what it likes. */
export function scratch(name) {
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}

function file(name, count, row) {
  const path = scratch(name);
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  const fd = openSync(`${path}.part`, 'w');
  let text = '';
  for (let i = 0; i < count; i++) {
    text += `${row(i)}\n`;
    if (text.length > 1_000_000) {
      writeSync(fd, text);
      text = '';
    }
  }
  writeSync(fd, text);
  closeSync(fd);
  renameSync(`${path}.part`, path); // so that a generator that was ended early leaves no short file behind
  return path;
}

function order() {
  let state = 12345;
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 0x7fffffff;
  return (i) =>
    JSON.stringify({
      id: i,
      sku: `sku-${(i * 7919) % 100_000}`,
      customer: {
        id: Math.floor(next() * 1e6),
        name: `Customer ${i % 5000}`,
        country: ['DE', 'FR', 'US', 'GB', 'JP'][i % 5],
      },
      total: Math.round(next() * 1e5) / 100,
      qty: Math.floor(next() * 10),
      tags: ['new', 'sale', `x${i % 17}`],
      address: { street: `Main Street ${i % 999}`, zip: 10_000 + (i % 89_999), city: 'Springfield' },
      createdAt: `2026-0${1 + (i % 9)}-1${i % 10}T12:34:56Z`,
      note: 'Lorem ipsum dolor sit amet, consectetur'.slice(0, 4 + (i % 25)),
    });
}
