import { createHash } from 'node:crypto';
import { z } from 'zod';
import { profileSchema, type Config, type Profile } from '../../config/schema.js';
import { serviceHeaders } from '../../opensearch/connection.js';
import { openUpstream, type Upstream } from '../../opensearch/upstream.js';
import type { Sidecar } from '../../sidecar/index.js';
import { startOwnSidecar } from '../own-sidecar.js';

/** What is evaluated. */
export type Contender =
  /** The engine as it is. */
  | { readonly kind: 'first-phase' }
  /** The sidecar: one that runs at `url`, else one started in this process. */
  | {
      readonly kind: 'fuserank';
      readonly url: string | null;
      readonly profile: string | null;
      readonly ranker: string | null;
      /** Weight of the model, 0–1; null = the profile's. */
      readonly blend: number | null;
    };

/** One answer, as far as a run keeps it. */
export interface DoorAnswer {
  readonly status: number;
  readonly body: Buffer;
  /** `X-Fuserank`; empty from the engine itself. */
  readonly label: string;
  /** From sending to the last byte, ms. */
  readonly latencyMs: number;
}

/** Where searches of an evaluation go: to the engine, or through a sidecar. */
export interface SearchDoor {
  /** Short, as tables name it. */
  readonly name: string;
  /** Of what decides the answers beside the question: who answers, with which profile. */
  readonly sha256: string;
  /** `name-version@sha8`; null where no model takes part. */
  readonly model: string | null;
  /** Hits that are ranked at most; null = the engine's list is the answer. */
  readonly window: number | null;
  /** @param ranking members of `ext.fuserank`; the engine itself gets none */
  search(body: Record<string, unknown>, ranking: Record<string, unknown>): Promise<DoorAnswer>;
  close(): Promise<void>;
}

/** Flags that name no contender. */
export class ContenderRefused extends Error {
  override readonly name = 'ContenderRefused';
  readonly exitCode = 2;
}

/** The evaluated profile is not there. */
export class ProfileUnknown extends Error {
  override readonly name = 'ProfileUnknown';
  readonly exitCode = 2;
}

/** Quality and speed are told apart: no answer may be the engine's order because this machine was busy. */
export const UNHURRIED_MS = 60_000;
/** Name of the profile that is evaluated in a sidecar of our own. */
const OWN_PROFILE = 'evaluated';

const infoSchema = z.looseObject({
  rankers: z.record(z.string(), z.string()),
  profiles: z.record(z.string(), z.looseObject({ index: z.string(), ranker: z.string(), window: z.number() })),
});

export async function openDoor(options: { config: Config; alias: string; contender: Contender }): Promise<SearchDoor> {
  const { config, alias, contender } = options;
  if (contender.kind === 'first-phase') {
    const upstream = openUpstream(config.opensearch);
    return {
      name: 'first-phase',
      sha256: hash(contender),
      model: null,
      window: null,
      search: (body) => sendSearch(upstream, alias, body, serviceHeaders(config.opensearch)),
      close: () => upstream.close(),
    };
  }
  const own = contender.url === null ? evaluatedProfile(config, alias, contender) : null;
  const sidecar = own && (await startOwnSidecar(config, { [OWN_PROFILE]: own }));
  const url = contender.url ?? sidecar?.url ?? '';
  const upstream = openUpstream({ ...config.opensearch, nodes: [url] });
  try {
    const info = infoSchema.parse(JSON.parse((await upstream.send({ method: 'GET', path: '/info' })).body.toString('utf8')));
    const profileName = own ? OWN_PROFILE : (contender.profile ?? profileOf(info.profiles, alias));
    const profile = info.profiles[profileName];
    if (!profile) {
      throw new ProfileUnknown(
        `the sidecar at ${url} has no profile "${profileName}"; it has ${Object.keys(info.profiles).join(', ') || 'none'}`,
      );
    }
    const dial = contender.blend === null ? {} : { blend: contender.blend };
    const name = profile.ranker === 'builtin' ? 'fuserank' : `fuserank:${profile.ranker}`;
    return {
      name: contender.blend === null ? name : `${name} at blend ${contender.blend}`,
      sha256: hash({ kind: contender.kind, profile: { ...profile, ...dial } }),
      model: info.rankers[profile.ranker] ?? null,
      window: profile.window,
      search: (body, ranking) =>
        sendSearch(
          upstream,
          alias,
          withRanking(body, { ...ranking, ...dial, profile: profileName, budget_ms: UNHURRIED_MS }),
          serviceHeaders(config.opensearch),
        ),
      close: () => closeBoth(upstream, sidecar),
    };
  } catch (error) {
    await closeBoth(upstream, sidecar);
    throw error;
  }
}

/** The profile by its name, else the one that the alias has, else the defaults; with the ranker that was asked for. */
export function evaluatedProfile(
  config: Config,
  alias: string,
  { profile: name, ranker }: Pick<Extract<Contender, { kind: 'fuserank' }>, 'profile' | 'ranker'>,
): Profile {
  const named = name === null ? undefined : config.profiles[name];
  if (name !== null && !named) {
    throw new ProfileUnknown(`the configuration has no profile "${name}"; it has ${Object.keys(config.profiles).join(', ') || 'none'}`);
  }
  const fitting = named ?? Object.values(config.profiles).find(({ index }) => index === alias);
  return profileSchema.parse({ ...fitting, index: alias, ...(ranker === null ? {} : { ranker }) });
}

/** Of a running sidecar's profiles the one for the alias, or the only one. */
function profileOf(profiles: Readonly<Record<string, { readonly index: string }>>, alias: string): string {
  const names = Object.keys(profiles);
  const found = names.find((name) => profiles[name]?.index === alias) ?? (names.length === 1 ? names[0] : undefined);
  if (found !== undefined) return found;
  throw new ProfileUnknown(
    `the sidecar has ${names.length === 0 ? 'no profile' : `the profiles ${names.join(', ')}`}; name one with --profile`,
  );
}

/** One search as it is; nothing of its answer is believed yet. */
export async function sendSearch(upstream: Upstream, alias: string, body: object, headers: Record<string, string>): Promise<DoorAnswer> {
  const started = performance.now();
  const answer = await upstream.send({
    method: 'POST',
    path: `/${encodeURIComponent(alias)}/_search`,
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const label = answer.headers['x-fuserank'];
  return {
    status: answer.status,
    body: answer.body,
    label: Array.isArray(label) ? (label[0] ?? '') : (label ?? ''),
    latencyMs: performance.now() - started,
  };
}

async function closeBoth(upstream: Upstream, sidecar: Sidecar | null): Promise<void> {
  await upstream.close();
  await sidecar?.close();
}

/** A body with members of `ext.fuserank` beside whatever else its `ext` holds. */
export function withRanking(body: Record<string, unknown>, ranking: Record<string, unknown>): Record<string, unknown> {
  const ext = typeof body['ext'] === 'object' && body['ext'] !== null ? body['ext'] : {};
  return { ...body, ext: { ...ext, fuserank: ranking } };
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
