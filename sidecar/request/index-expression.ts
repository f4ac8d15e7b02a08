/**
 * An index, an alias, a pattern, or several with commas, as it may stand in the paths of searches of ours. Which of them exist is
 * the engine's to judge; what is left out would be another of its routes (`_scripts`), or another path to a reader between
 * (`..`, a slash, one of these encoded again).
 */
export const INDEX_EXPRESSION = /^(?!\.{1,2}$)(?!_(?!all(?:,|$)))(?!.*%(?:2[EFef]|5[Cc]|00))[^\s/\\\p{Cc}]+$/u;
