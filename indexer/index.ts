export { indexCatalogue, type IndexOptions } from './indexing-run.js';
export type { IndexProgress, IndexReport, ListedReject } from './index-report.js';
export type { FieldMapInput } from './field-map.js';
export { registerIndexCommand } from './command.js';
