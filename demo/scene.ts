import { WINDOW } from './demo-config.js';
import type { OpenShop } from './open-shop.js';
import { type Ink, introduce, printOrders, printStages } from './report.js';
import { type Answer, ShopSearchFailed, postEvents, searchRanked, searchShop } from './shop-client.js';
import { APPLICATION, type Shopper } from './shoppers.js';
import { type Catalogue, historyOf } from './figures/taste-share.js';

/** Products of one page of the shop. */
const PAGE = 24;
export const SHOWN_QUERY = 'lamp';
/** Whom the printed orders are for: a colour and a pattern. */
const SHOWN_SHOPPERS = ['ada', 'ines'] as const;

/** One query as three see it: the engine, and two shoppers. */
export interface Scene {
  /** The engine's page. */
  engine: string[];
  /** The engine's order as deep as fuserank looks, to count moves from. */
  engineWindow: string[];
  views: { shopper: Shopper; ids: string[] }[];
}

export async function playScene({ doors, shoppers }: OpenShop): Promise<Scene> {
  const shown = SHOWN_SHOPPERS.map((user) => shoppers.find((shopper) => shopper.user === user)).filter((one) => one !== undefined);
  const { ids: engineWindow } = await searchShop(doors.engine, { query: SHOWN_QUERY, size: WINDOW });
  const engine = engineWindow.slice(0, PAGE);
  const views = [];
  for (const shopper of shown) {
    const { ids } = await searchRanked(doors.sidecar, {
      query: SHOWN_QUERY,
      size: PAGE,
      ranking: { user_id: shopper.user, budget_ms: 1000 },
    });
    views.push({ shopper, ids });
  }
  return { engine, engineWindow, views };
}

export interface Click {
  shopper: Shopper;
  objectId: string;
  before: string[];
  after: string[];
  /** Of the search after the click. */
  answer: Answer;
}

/** The first shopper presses a product of the page's second half that is new to them, and searches again. */
export async function playClick({ doors }: OpenShop, scene: Scene): Promise<Click> {
  const [view] = scene.views;
  if (!view) throw new ShopSearchFailed('there is no shopper to click');
  const { shopper, ids: before } = view;
  const known = historyOf(shopper);
  const objectId = before.slice(PAGE / 2).find((id) => !known.has(id));
  if (objectId === undefined) throw new ShopSearchFailed(`“${SHOWN_QUERY}” shows ${shopper.user} nothing new to click`);
  await postEvents(doors.sidecar, [
    {
      application: APPLICATION,
      action_name: 'click',
      timestamp: new Date().toISOString(),
      user_id: shopper.user,
      session_id: `${shopper.user}-now`,
      user_query: SHOWN_QUERY,
      event_attributes: { object: { object_id: objectId, object_id_field: 'id' }, position: { ordinal: before.indexOf(objectId) + 1 } },
    },
  ]);
  const answer = await searchRanked(doors.sidecar, { query: SHOWN_QUERY, size: PAGE, ranking: { user_id: shopper.user, budget_ms: 1000 } });
  return { shopper, objectId, before, after: answer.ids, answer };
}

export function printScene(scene: Scene, catalogue: Catalogue, ink: Ink): string {
  const columns = [
    { heading: 'OpenSearch', ids: scene.engine, taste: null, from: null },
    ...scene.views.map(({ shopper, ids }) => ({ heading: introduce(shopper), ids, taste: shopper.taste, from: scene.engineWindow })),
  ];
  return `\n${ink.bold(`“${SHOWN_QUERY}”`)} as OpenSearch orders it, and for two shoppers (● to their taste; colour and pattern as the picture shows them)\n\n${printOrders(columns, { catalogue, width: process.stdout.columns ?? 140, ink })}`;
}

export function printClick(click: Click, catalogue: Catalogue, ink: Ink): string {
  const { shopper, objectId, before, after, answer } = click;
  const pressed = catalogue.get(objectId);
  const columns = [
    { heading: `${introduce(shopper)}, before`, ids: before, taste: shopper.taste, from: null },
    { heading: 'the search after the click', ids: after, taste: shopper.taste, from: before },
  ];
  const look = pressed ? `${pressed.product.title}, ${pressed.latent.colour} ${pressed.latent.pattern}` : objectId;
  const moved = after.filter((id, place) => before[place] !== id).length;
  return `\n${introduce(shopper)} clicks place ${before.indexOf(objectId) + 1}: ${ink.bold(look)}; ${moved} of ${after.length} places change\n\n${printOrders(columns, { catalogue, width: Math.min(110, process.stdout.columns ?? 110), ink })}\n\n${ink.quiet(`stages of that search, ms: ${printStages(answer.stages)}`)}`;
}
