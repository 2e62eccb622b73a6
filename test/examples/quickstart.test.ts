import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../docs/examples.js';

let folder: string;

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'batchx-quickstart-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const quickstart = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'examples/quickstart/run.mjs'), ...args], { encoding: 'utf8', cwd: root });

interface Row {
  readonly page: string;
  readonly level: number;
  readonly text: string;
}

describe('examples/quickstart', () => {
  it('lists the headings of every page, through the limit and the outages of the service', () => {
    const { status, stderr } = quickstart('--output', folder);
    expect(stderr).not.toContain('failed');
    expect(status).toBe(0);
    const lines = readFileSync(join(folder, 'headings.jsonl'), 'utf8').trim().split('\n');
    const rows = lines.map((line) => JSON.parse(line) as Row);
    const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    expect([...new Set(rows.map(({ page }) => page))].sort()).toEqual(pages.sort());
    expect(rows).toContainEqual({ page: 'pipeline.md', level: 2, text: 'Secrets' });
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as {
      counts: Record<string, number>;
      aggregate: { count: number };
      steps: { name: string; retries: number | null }[];
    };
    expect(report.counts).toMatchObject({ read: pages.length, ok: pages.length, failed: 0 });
    expect(report.aggregate.count).toBe(rows.length);
    expect(report.steps.find(({ name }) => name === 'outline')?.retries).toBeGreaterThan(0);
  });

  it('tells in a dry run what it would do', () => {
    const { status, stdout } = quickstart('--dry-run', '--limit', '1');
    expect(status).toBe(0);
    expect(stdout).toContain('  the rest depends on what these steps give\n');
    expect(stdout).toMatch(
      /^README\.md\n {2}words: wc -w docs\/README\.md\n {2}outline: POST http:\/\/127\.0\.0\.1:\d+\/outline/,
    );
  });
});
