import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ProductFieldRoles } from '../../mappings/product-index.js';
import { textSearchBody } from '../../mappings/query-templates.js';
import type { EngineClient } from '../../opensearch/connection.js';
import type { EvaluatedQuery } from '../formats/queries/queries.js';

/** A template can't be rendered; the message is the engine's own. */
export class TemplateRefused extends Error {
  override readonly name = 'TemplateRefused';
  readonly exitCode = 2;
}

/** How a query of the set becomes the body of a `_search`. */
export interface Question {
  /** As tables name it. */
  readonly name: string;
  /** Of everything that decides the body but the query itself. */
  readonly sha256: string;
  /** @throws TemplateRefused */
  ask(query: EvaluatedQuery, size: number): Promise<Record<string, unknown>>;
}

/** Nothing says which fields hold the words. */
export class TextUnmapped extends Error {
  override readonly name = 'TextUnmapped';
  readonly exitCode = 2;
}

/** The question of a template, a mustache file here or one stored in the engine; null = the plain one. @throws TextUnmapped, TemplateRefused */
export async function openQuestion(engine: EngineClient, roles: ProductFieldRoles, template: string | null): Promise<Question> {
  if (template === null) return plainQuestion(roles);
  return templateQuestion(engine, { name: template, source: existsSync(template) ? readFileSync(template, 'utf8') : null });
}

/**
 * The search that a shop starts from: all mapped texts, the first counting double; every product where there are no words.
 * @throws TextUnmapped where no text is mapped
 */
export function plainQuestion(roles: ProductFieldRoles): Question {
  if (roles.text.length === 0) {
    throw new TextUnmapped(
      'nothing says which fields of the index hold text: name them under index.map.text of fuserank.yaml, or give --template',
    );
  }
  return {
    name: 'plain',
    sha256: hash(JSON.stringify(textSearchBody(roles, { text: '' }))),
    ask: ({ query }, size) =>
      Promise.resolve(query === null ? { query: { match_all: {} }, size } : textSearchBody(roles, { text: query, size })),
  };
}

const renderedSchema = z.object({ template_output: z.record(z.string(), z.json()) });
const storedSchema = z.object({ script: z.object({ source: z.string() }) });

/**
 * A search template with the parameters `query`, `size` and `from`, rendered by the engine as a shop's stack would have it.
 * @param source mustache of a local template; null = the one stored in the engine under `name`
 * @throws TemplateRefused where no such template is stored
 */
export async function templateQuestion(engine: EngineClient, { name, source }: { name: string; source: string | null }): Promise<Question> {
  const text = source ?? (await readStored(engine, name));
  return {
    name,
    sha256: hash(text),
    ask: async ({ query }, size) => {
      const answer = await engine.transport
        .request({ method: 'POST', path: '/_render/template', body: { source: text, params: { query: query ?? '', size, from: 0 } } })
        .catch((error: unknown) => {
          throw new TemplateRefused(`template ${name}: ${messageOf(error)}`);
        });
      return renderedSchema.parse(answer.body).template_output;
    },
  };
}

async function readStored(engine: EngineClient, name: string): Promise<string> {
  const answer = await engine.transport.request({ method: 'GET', path: `/_scripts/${encodeURIComponent(name)}` }).catch(() => null);
  const stored = storedSchema.safeParse(answer?.body);
  if (stored.success) return stored.data.script.source;
  throw new TemplateRefused(`no search template "${name}" is stored in the engine, and no such file is here; name one of the two`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
