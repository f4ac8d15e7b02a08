/** What is ranked and what is passed through for now; a part that lands turns its line round. */
export const LANDED: Record<
  'multiSearch' | 'templates' | 'filterPath' | 'pretty' | 'ignoreUnavailable' | 'collapsedInnerHits' | 'joinedInnerHits' | 'derivedFields',
  boolean
> = {
  multiSearch: true,
  templates: true,
  /** Where hits stay whole. */
  filterPath: true,
  /** Hits fetched by us are laid out as the engine lays out the client's. */
  pretty: true,
  ignoreUnavailable: true,
  /** Groups that come up from below the page, with their inner hits. */
  collapsedInnerHits: true,
  /** Fields that the search itself defines, in bodies that are fetched by us. */
  derivedFields: true,
  /** Children of a product shown with it. */
  joinedInnerHits: true,
};
