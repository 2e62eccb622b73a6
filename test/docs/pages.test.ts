import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages, root } from './examples.js';

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

describe('links lead somewhere', () => {
  it.each([...pages(), 'CONTRIBUTING.md'])('%s', (page) => {
    const text = read(page).replaceAll(/^```[^]*?^```$/gm, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const broken = targets.filter((target) => {
      if (/^https?:/.test(target)) return false;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && (statSync(join(root, file)).isDirectory() || !anchorsOf(file).includes(anchor));
    });
    expect(broken).toEqual([]);
  });
});

/** The anchors of a page: its headings as they are shown there, the second of a name with `-1` behind it. */
function anchorsOf(page: string): string[] {
  const seen = new Map<string, number>();
  return [
    ...read(page)
      .replaceAll(/^```[^]*?^```$/gm, '')
      .matchAll(/^#+ (.*)$/gm),
  ].map(([, heading = '']) => {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    return times === 0 ? anchor : `${anchor}-${times}`;
  });
}

describe('the pages that are written from the sources', () => {
  const operators = read('docs/operators.md');

  it('tell of every function that is exported, with an example', async () => {
    const functions = Object.entries({ ...(await import('batchx')), ...(await import('batchx/testing')) }).filter(
      ([, value]) => typeof value === 'function',
    );
    const sections = new Map(
      operators.split(/^### /m).map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
    );
    const lacking = functions.map(([name]) => name).filter((name) => !/^```ts$/m.test(sections.get(name) ?? ''));
    expect(lacking.filter((name) => !['Events', 'Outcome'].includes(name))).toEqual([]);
  });

  it('have a picture for every source, step, operator and sink', () => {
    const parts = /^## Sources\n[^]*?(?=^## Building)/m.exec(operators)?.[0] ?? '';
    const aggregates = /^## Aggregates\n[^]*?(?=^## )/m.exec(operators)?.[0] ?? '';
    const lacking = parts
      .replace(aggregates, '')
      .split(/^### /m)
      .slice(1)
      .filter((section) => !/^```\n/m.test(section))
      .map((section) => section.slice(0, section.indexOf('\n')));
    expect(lacking).toEqual([]);
  });
});

describe('npm run docs:check', () => {
  it('says which page is out of date', () => {
    // In a copy, with links to what is large: the page itself must not be touched while other tests read it.
    const copy = execFileSync('mktemp', ['-d'], { encoding: 'utf8' }).trim();
    const script = `cp -R src scripts tsconfig.json package.json docs "$0" && ln -s "$PWD/node_modules" "$0/node_modules" &&
      cd "$0" && echo more >> docs/reference.md && node scripts/docs.mjs --check`;
    try {
      const { status, stderr } = spawnSync('bash', ['-c', script, copy], { cwd: root, encoding: 'utf8' });
      expect(status).toBe(1);
      expect(stderr).toContain('docs: docs/reference.md is out of date; `npm run docs` writes it\n');
    } finally {
      execFileSync('rm', ['-rf', copy]);
    }
  });
});
