// The `beauty` pack: Amazon Beauty reviews as shoppers' sequences, with titles, brands and categories.
import { runWhenCalled, type Adapter } from '../kit/adapter.js';
import { adaptSequencePack, SEQUENCE_FLAGS } from '../kit/sequence-pack.js';

export const beauty: Adapter = {
  name: 'beauty',
  source: 'folder with items.jsonl.gz (id, asin, title, brand, categories) and sequences.csv.gz (user, items oldest first)',
  flags: SEQUENCE_FLAGS,
  adapt: (run) => adaptSequencePack(run, { application: 'beauty', titleOf: ({ title }) => title }),
};

await runWhenCalled(import.meta.url, beauty);
