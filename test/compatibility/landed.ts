/** What is ranked and what is passed through for now; a part that lands turns its line round. */
export const LANDED: Record<
  | 'multiSearch'
  | 'templates'
  | 'filterPath'
  | 'pretty'
  | 'ignoreUnavailable'
  | 'collapsedInnerHits'
  | 'joinedInnerHits'
  | 'explainedBodies'
  | 'derivedFields',
  boolean
> = {
  multiSearch: false,
  templates: false,
  /** Where hits stay whole. */
  filterPath: false,
  /** Hits fetched by us are laid out as the engine lays out the client's. */
  pretty: false,
  ignoreUnavailable: false,
  /** Groups that come up from below the page, with their inner hits. */
  collapsedInnerHits: false,
  /** Fields that the search itself defines, in bodies that are fetched by us. */
  derivedFields: false,
  /** Children of a product shown with it. */
  joinedInnerHits: false,
  /** The engine's explanation of a hit from below the page is that of the client's own query. */
  explainedBodies: false,
};
