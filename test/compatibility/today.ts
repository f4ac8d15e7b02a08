/** What is ranked and what is passed through for now; a part that lands turns its line round. */
export const RANKED = {
  multiSearch: false,
  templates: false,
  /** Where hits stay whole. */
  filterPath: false,
  /** Groups that come up from below the page, with their inner hits. */
  collapsedInnerHits: false,
} as const;
