import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { packageRoot } from '../../config/package-root.js';
import { readQuestionSet } from '../../tuning/evaluate/question-set.js';
import { makeFolder } from './small-source.js';

const tutorial = join(packageRoot, 'docs', 'tutorial');

describe('the tutorial', () => {
  test('draws a clean, wholly judged query set, the same each time', async () => {
    const folder = await makeFolder();
    for (const name of ['one', 'other']) {
      const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'docs/tutorial/make-shop.ts', join(folder, name)], {
        cwd: packageRoot,
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([0, '']);
    }
    for (const file of ['products.ndjson', 'queries.csv', 'judgments.csv']) {
      expect(await readFile(join(folder, 'one', file), 'utf8')).toBe(await readFile(join(folder, 'other', file), 'utf8'));
    }
    const { queries, grades, unjudged } = await readQuestionSet(
      { queries: join(folder, 'one', 'queries.csv'), judgments: join(folder, 'one', 'judgments.csv') },
      'test',
    );
    expect([queries.length, unjudged]).toEqual([108, 0]);
    for (const query of queries) {
      expect(grades(query).size).toBe(1_080);
      expect(Math.max(...grades(query).values()), query.query ?? '').toBe(3);
    }
  });

  test('links to files that are there', async () => {
    const page = await readFile(join(tutorial, 'README.md'), 'utf8');
    const targets = [...page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].flatMap(([, target]) =>
      target?.startsWith('http') === false ? [target] : [],
    );
    expect(targets.filter((target) => !existsSync(join(tutorial, target)))).toEqual([]);
    expect(targets.length).toBeGreaterThan(4);
  });

  test('its CI job runs the gate script on the template that the page changes', async () => {
    const jobSchema = z.looseObject({
      jobs: z.record(z.string(), z.looseObject({ steps: z.array(z.looseObject({ run: z.string().optional() })) })),
    });
    const { jobs } = jobSchema.parse(parse(await readFile(join(tutorial, 'gate.yml'), 'utf8')));
    const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => (run === undefined ? [] : [run])));
    const gate = commands.find((command) => command.includes('gate.sh'));
    const [script = '', , after = ''] = (gate ?? '').split(' ');
    for (const file of [script, after]) expect(existsSync(join(dirname(tutorial), '..', file)), file).toBe(true);
  });
});
