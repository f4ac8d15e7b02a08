import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { packageRoot } from '../../config/package-root.js';
import { openApiDocument } from '../../sidecar/http/openapi.js';

const FILE = join(packageRoot, 'docs', 'reference', 'openapi.json');

test('the document is OpenAPI 3.1, and every reference in it leads somewhere', async () => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(openApiDocument()));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
  expect(validator.version).toBe('3.1');
  const schemas = Object.keys((openApiDocument()['components'] as { schemas: object }).schemas);
  for (const [, name] of JSON.stringify(openApiDocument()).matchAll(/"\$ref":"([^"]+)"/g))
    expect(schemas.map((schema) => `#/components/schemas/${schema}`)).toContain(name);
});

test('docs/reference/openapi.json is what the schemas give; FUSERANK_WRITE_OPENAPI=1 writes it anew', () => {
  const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
  if (process.env['FUSERANK_WRITE_OPENAPI'] === '1') writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
