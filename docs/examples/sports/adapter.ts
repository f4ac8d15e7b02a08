// The `sports` pack: like `beauty`, but without a single title.
import { runWhenCalled, type Adapter } from '../kit/adapter.js';
import { adaptSequencePack, SEQUENCE_FLAGS } from '../kit/sequence-pack.js';

export const sports: Adapter = {
  name: 'sports',
  source: 'folder with items.jsonl.gz (id, asin, brand, categories) and sequences.csv.gz (user, items oldest first)',
  flags: SEQUENCE_FLAGS,
  adapt: async (run) => {
    const adapted = await adaptSequencePack(run, {
      application: 'sports',
      titleOf: ({ title, brand, categories }) => title ?? ([brand, categories.at(-1)].filter((part) => part).join(' ') || null),
    });
    return { ...adapted, remarks: [...adapted.remarks, 'the source has no titles: brand and narrowest category stand in their place'] };
  },
};

await runWhenCalled(import.meta.url, sports);
