import type { Config } from '../config/schema.js';
import { ArtefactMismatch } from '../models/artefact.js';
import { locateRanker, type RankerPlace } from '../models/named-ranker.js';
import { previousVersion, readCurrent, readHistory, switchVersion, VersionsUnusable } from '../models/ranker-versions.js';
import type { Logger } from './http/log.js';
import type { Metrics } from './http/metrics.js';
import { ScorerFailure, ScorerRefused, type ScorerPool } from './scorer.js';
import type { ScorerSettings, WarmRequest } from './scoring/scorer-tasks.js';

/** A ranker that took the place of another, or stayed. */
export interface RankerChange {
  readonly profile: string;
  /** As the profile names it. */
  readonly ranker: string;
  /** `name-version@sha8` of what ranks now, and of what ranked before. */
  readonly model: string;
  readonly before: string;
}

/** No profile of that name has a ranker that could be loaded. */
export class ProfileUnknown extends Error {
  override readonly name = 'ProfileUnknown';
}

/** The ranker cannot be taken; the one before goes on. */
export class RankerRefused extends Error {
  override readonly name = 'RankerRefused';
}

/** Where the rankers of the profiles are, one entry for each distinct `ranker`. @throws ScorerRefused */
export async function locateRankers(profiles: Config['profiles']): Promise<Record<string, RankerPlace>> {
  const places: Record<string, RankerPlace> = {};
  for (const { ranker } of Object.values(profiles)) if (isOpened(ranker)) places[ranker] ??= await locate(ranker);
  return places;
}

async function locate(ranker: string): Promise<RankerPlace> {
  return locateRanker(ranker).catch((error: unknown) => {
    throw error instanceof ArtefactMismatch || error instanceof VersionsUnusable ? new ScorerRefused(error.message) : error;
  });
}

function isOpened(ranker: string): boolean {
  return ranker !== 'first-phase' && ranker !== 'shuffle';
}

/** The rankers that serve, and their change while searches go on. */
export class ServedRankers {
  readonly #profiles: Config['profiles'];
  readonly #scorers: ScorerPool;
  readonly #metrics: Metrics;
  readonly #log: Logger;
  readonly #statistics: () => WarmRequest | null;
  #settings: ScorerSettings;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param house.statistics what a ranker that counts reads ahead; null = there are none */
  constructor(house: {
    profiles: Config['profiles'];
    settings: ScorerSettings;
    scorers: ScorerPool;
    metrics: Metrics;
    log: Logger;
    statistics: () => WarmRequest | null;
  }) {
    this.#profiles = house.profiles;
    this.#settings = house.settings;
    this.#scorers = house.scorers;
    this.#metrics = house.metrics;
    this.#log = house.log;
    this.#statistics = house.statistics;
    this.#tellMetrics();
  }

  /**
   * Takes what a profile's ranker is now: of a folder of versions the current one. Searches go on meanwhile.
   * @throws ProfileUnknown, RankerRefused
   */
  load(profile: string): Promise<RankerChange> {
    return this.#inTurn(() => this.#load(profile));
  }

  /** The same for all profiles, as on SIGHUP. @throws RankerRefused */
  loadAll(): Promise<RankerChange[]> {
    return this.#inTurn(async () => {
      const before = this.#scorers.facts?.rankers ?? {};
      await this.#replace(await locateRankers(this.#profiles).catch(refuse));
      return Object.keys(this.#profiles).flatMap((profile) => this.#changeOf(profile, before));
    });
  }

  /**
   * Goes back to the version before the current one, in the folder and in what serves.
   * @throws ProfileUnknown, RankerRefused, also where there is no version before: then nothing has changed
   */
  rollback(profile: string): Promise<RankerChange> {
    return this.#inTurn(async () => {
      const ranker = this.#rankerOf(profile);
      const place = await locate(ranker).catch(refuse);
      const folder = place.kind === 'artefact' ? place.versions : null;
      if (folder === null) throw new RankerRefused(`the ranker of profile ${profile}, ${ranker}, is no folder of versions`);
      const current = await readCurrent(folder).catch(refuse);
      const to = previousVersion(await readHistory(folder).catch(refuse), current);
      if (to === null) throw new RankerRefused(`${ranker} has no version before ${current}`);
      await switchVersion(folder, { action: 'rollback', to, forced: null, report: null });
      try {
        return await this.#load(profile);
      } catch (error) {
        await switchVersion(folder, { action: 'restore', to: current, forced: null, report: null });
        throw error;
      }
    });
  }

  async #load(profile: string): Promise<RankerChange> {
    const ranker = this.#rankerOf(profile);
    const before = this.#scorers.facts?.rankers ?? {};
    await this.#replace({ ...this.#settings.rankers, [ranker]: await locate(ranker).catch(refuse) });
    const [change] = this.#changeOf(profile, before);
    if (!change) throw new ProfileUnknown(profile);
    return change;
  }

  async #replace(rankers: ScorerSettings['rankers']): Promise<void> {
    const settings = { ...this.#settings, rankers };
    const facts = await this.#scorers
      .replace(settings, ({ wantsStatistics }) => (wantsStatistics ? this.#statistics() : null))
      .catch((error: unknown) => {
        this.#log.error({ error: String(error) }, 'a ranker was refused; the one before goes on');
        return refuse(error);
      });
    this.#settings = settings;
    this.#tellMetrics();
    this.#log.info({ rankers: facts.rankers }, 'rankers are loaded');
  }

  #rankerOf(profile: string): string {
    const ranker = Object.hasOwn(this.#profiles, profile) ? this.#profiles[profile]?.ranker : undefined;
    if (ranker === undefined) throw new ProfileUnknown(profile);
    if (!isOpened(ranker)) throw new RankerRefused(`profile ${profile} ranks by ${ranker}, which is no model`);
    return ranker;
  }

  #changeOf(profile: string, before: Readonly<Record<string, string>>): RankerChange[] {
    const ranker = this.#profiles[profile]?.ranker ?? '';
    const model = this.#scorers.facts?.rankers[ranker];
    return model === undefined ? [] : [{ profile, ranker, model, before: before[ranker] ?? model }];
  }

  #tellMetrics(): void {
    const ids = Object.values(this.#scorers.facts?.rankers ?? {});
    this.#metrics.setModels(
      ids.map((id) => {
        const [name = id, sha256 = ''] = id.split('@');
        return { name, sha256 };
      }),
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function refuse(error: unknown): never {
  if (error instanceof ScorerRefused || error instanceof ScorerFailure || error instanceof VersionsUnusable) {
    throw new RankerRefused(error.message, { cause: error });
  }
  throw error;
}
