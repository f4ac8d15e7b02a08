import { join } from 'node:path';
import { PRODUCT } from '../../mappings/product-index.js';
import { listEncoderSets, openCatalogue, type CatalogueDoor, type FoundHit } from './catalogue-door.js';
import type { QualityRun } from './quality-run.js';
import type { QualitySection } from './quality-section.js';

const QUERIES = [
  'jacket',
  'hoodie',
  'yoga pants',
  'tee',
  'tank',
  'shorts',
  'bra',
  'running shorts',
  'fleece jacket',
  'cotton tee',
  'backpack',
  'watch',
  'duffle bag',
  'yoga strap',
  'mens pants',
];
const PAGE = 12;
const PAGES = 2;

/** Variants and their parents: under a collapse a group is one hit, on every page, in the engine's order and in ours. */
export async function measureMagento(run: QualityRun): Promise<QualitySection> {
  const folder = join(run.data, 'magento');
  const [encoders] = listEncoderSets(run.data);
  if (!encoders) throw new Error('there are no encoders to index with');
  run.tell('magento: indexing');
  const door = await openCatalogue({
    node: run.node,
    alias: 'quality-magento',
    encoders,
    inputs: [join(folder, 'products.jsonl.gz')],
    index: {
      id: 'sku',
      map: {
        text: ['name', 'description'],
        image: 'images/{images[0]}.jpg',
        price: 'price',
        category: 'categories',
        group: 'parent',
        keywords: ['color', 'size'],
      },
    },
    video: 'video/{video}.mp4',
    imageFolder: folder,
  });
  try {
    const { products, pictures, inferences } = door.report;
    const rows: CollapsedQuery[] = [];
    for (const text of QUERIES) rows.push(await collapseOne(door, text));
    const sum = (pick: (row: CollapsedQuery) => number): number => rows.reduce((total, row) => total + pick(row), 0);
    return {
      name: 'magento',
      title: 'Magento: variants stay together',
      about:
        `${products.read} products of Magento's demo shop, parents and variants, grouped by \`parent\`; ${QUERIES.length} typed queries through the ` +
        `sidecar with \`collapse\` on the group, ${PAGES} pages of ${PAGE}.`,
      tables: [
        {
          caption: 'Collapsed searches through the sidecar',
          table: {
            columns: ['measure', 'count'],
            rows: [
              ['hits on the pages', String(sum(({ hits }) => hits))],
              ['hits whose group was on the pages already', String(sum(({ repeated }) => repeated))],
              ['queries whose order differs from the engine’s', String(rows.filter(({ moved }) => moved).length)],
            ],
          },
        },
        {
          caption: 'What the indexer did',
          table: {
            columns: ['measure', 'count'],
            rows: [
              ['products indexed', String(products.written)],
              ['products rejected', String(products.rejected)],
              ['distinct photos embedded', String(inferences.pictures)],
              ['products with a video, accepted and not looked at', String(pictures.videosIgnored)],
            ],
          },
        },
      ],
      remarks: ['Shop copy was written for the demo, and the queries here are ours: this section shows behaviour, not relevance.'],
    };
  } finally {
    await door.close();
  }
}

interface CollapsedQuery {
  hits: number;
  repeated: number;
  moved: boolean;
}

async function collapseOne(door: CatalogueDoor, text: string): Promise<CollapsedQuery> {
  const ranked: FoundHit[] = [];
  const engine: FoundHit[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const body = {
      query: { multi_match: { query: text, fields: ['name^2', 'description'] } },
      collapse: { field: PRODUCT.groupKey },
      from: page * PAGE,
      size: PAGE,
      _source: false,
    };
    ranked.push(...(await door.searchSidecar(body, { query_text: text })));
    engine.push(...(await door.searchEngine(body)));
  }
  const groups = ranked.map(({ id, fields }) => {
    const group = fields[PRODUCT.groupKey];
    if (group === undefined) throw new Error(`the hit ${id} does not show the group that it stands for`);
    return JSON.stringify(group);
  });
  return {
    hits: ranked.length,
    repeated: groups.length - new Set(groups).size,
    moved: ranked.map(({ id }) => id).join() !== engine.map(({ id }) => id).join(),
  };
}
