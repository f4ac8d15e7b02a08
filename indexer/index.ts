export { indexCatalogue, type IndexOptions } from './indexing-run.js';
export type { IndexProgress, IndexReport, ListedReject } from './report/index-report.js';
export type { FieldMapInput } from './catalogue/field-map.js';
export { registerIndexCommand } from './command.js';
