import type { SearchCall, Spelling } from '../request/search-call.js';
import type { SearchAnswer } from '../walk/client-request.js';
import { answerMultiSearch } from './multi-search.js';
import { answerTemplateSearch, type SpellingDeps } from './template-search.js';

/** How a search is answered, whichever way it is spelled. */
export function answerSpellings(deps: SpellingDeps): (call: SearchCall, spelling: Spelling) => Promise<SearchAnswer> {
  return (call, spelling) => {
    switch (spelling) {
      case 'search':
        return deps.ranker.answer(call);
      case 'template':
        return answerTemplateSearch(call, deps);
      case 'multi-search':
        return answerMultiSearch(call, deps, { templates: false });
      case 'multi-template':
        return answerMultiSearch(call, deps, { templates: true });
    }
  };
}
