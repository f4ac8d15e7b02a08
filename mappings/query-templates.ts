import type { ProductFieldRoles } from './product-index.js';

/** Name under which the search template is stored (`PUT _scripts/<name>`). */
export const SEARCH_TEMPLATE = 'fuserank_search';

type TextRoles = Pick<ProductFieldRoles, 'text'>;

/** Share of the query's words that a product must have: all of up to two, three quarters of more. */
const MINIMUM_SHOULD_MATCH = '2<75%';

/** The text clause a shop would start from: every word may be found in any field, the first field counts double. */
function textClause(roles: TextRoles, text: string): Record<string, unknown> {
  return { multi_match: { query: text, type: 'cross_fields', fields: weightedFields(roles) } };
}

/** A plain search body for `text`, optionally filtered. */
export function textSearchBody(
  roles: TextRoles,
  options: { text: string; filters?: readonly Record<string, unknown>[]; from?: number; size?: number },
): Record<string, unknown> {
  const clause = textClause(roles, options.text);
  return {
    query: { bool: { must: [clause], filter: options.filters ?? [] } },
    from: options.from ?? 0,
    size: options.size ?? 24,
  };
}

/**
 * Body for `PUT _scripts/fuserank_search`. Parameters: `query` (string), `filters` (array of query clauses, optional),
 * `from` (default 0), `size` (default 24), `all_words` (true: most words must match, optional).
 */
export function searchTemplateBody(roles: TextRoles): { script: { lang: 'mustache'; source: string } } {
  const fields = JSON.stringify(weightedFields(roles));
  // Mustache escapes `{{query}}` for JSON by itself; toJson would leave a plain string without its quotes.
  const source = `{
  "query": {
    "bool": {
      "must": [
        { "multi_match": { "query": "{{query}}", "type": "cross_fields", "fields": ${fields}{{#all_words}}, "minimum_should_match": "${MINIMUM_SHOULD_MATCH}"{{/all_words}} } }
      ],
      "filter": {{#toJson}}filters{{/toJson}}{{^filters}}[]{{/filters}}
    }
  },
  "from": {{from}}{{^from}}0{{/from}},
  "size": {{size}}{{^size}}24{{/size}}
}`;
  return { script: { lang: 'mustache', source } };
}

function weightedFields(roles: TextRoles): string[] {
  const [first, ...rest] = roles.text;
  if (first === undefined) throw new Error('no text field is mapped; name them with --text-fields or index.map.text');
  return [`${first}^2`, ...rest];
}
