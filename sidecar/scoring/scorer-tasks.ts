import type { Config } from '../../config/schema.js';
import type { EncoderStamp, ProductFieldRoles, ProductIndexMeta } from '../../mappings/product-index.js';
import type { RankerPlace } from '../../models/named-ranker.js';
import type { RankingInput } from '../../models/ranker.js';
import type { Item } from '../candidate-list.js';
import type { Attribution } from '../explanation.js';
import type { Group, WithheldScores } from '../withheld-groups.js';
import type { ItemVersion } from '../item-vectors.js';
import type { RetrievedCandidate } from '../retrieve.js';
import type { PackedCandidates } from './packed-candidates.js';

/** The index of a candidate whose product came with the request; no index has this name. */
export const GIVEN = '';

/** What a scorer process is opened with. */
export interface ScorerSettings {
  readonly opensearch: Config['opensearch'];
  readonly encoders: Config['encoders'];
  readonly memoryBytes: number;
  /** Where the rankers are, by the profile's `ranker` value: a process that is started again opens what the others have. */
  readonly rankers: Readonly<Record<string, RankerPlace>>;
}

/** What it says of itself when it is ready. */
export interface ScorerFacts {
  /** Artefact ids by the profile's `ranker` value. */
  readonly rankers: Readonly<Record<string, string>>;
  /** Whether one of them looks at item statistics. */
  readonly wantsStatistics: boolean;
  readonly textEncoder: EncoderStamp;
  readonly imageEncoder: EncoderStamp;
}

export interface EncodeRequest {
  /** The head that takes typed words into picture space, by the index it was fitted on and its digest; null = none. */
  readonly head: { readonly index: string; readonly sha256: string } | null;
  readonly text: string | null;
  readonly image: Uint8Array | null;
}

/** Unit vectors; null = not asked for, empty, or no head. */
export interface QueryVectors {
  readonly text: Float32Array | null;
  readonly image: Float32Array | null;
  readonly head: Float32Array | null;
}

/** Texts or pictures to encode one by one, for their vectors alone. */
export type EmbedRequest =
  { readonly what: 'queries' | 'documents'; readonly texts: readonly string[] } | { readonly what: 'picture'; readonly bytes: Uint8Array };

/** Unit vectors in the order asked; null = a text without a word that the encoder knows. */
export interface EmbedReply {
  readonly vectors: readonly (Float32Array | null)[];
}

export interface RankRequest {
  readonly ranker: string;
  readonly candidates: readonly RetrievedCandidate[];
  /** Products that came with the request and are in no index, by id; their candidates name the index GIVEN. */
  readonly given?: ReadonlyMap<string, Item>;
  readonly history: readonly {
    readonly objectId: string;
    readonly action: string;
    readonly ageSeconds: number;
    readonly runningSession: boolean;
  }[];
  /** Concrete indices that history items are looked up in, first match counts. */
  readonly indices: readonly string[];
  readonly queryText: string | null;
  readonly vectors: QueryVectors;
  readonly meta: ProductIndexMeta | null;
  readonly roles: ProductFieldRoles;
  /** Concrete index of the item statistics; null = there are none of this catalogue. */
  readonly statistics: string | null;
  readonly signals: { readonly text: boolean; readonly image: boolean; readonly history: boolean };
  readonly explain: boolean;
  /** Also give the columns of the feature set, for those who keep them to train on. */
  readonly columns?: boolean;
  /** Also give every input that a ranker may ask for. */
  readonly inputs?: boolean;
  /** Epoch milliseconds after which nobody waits for the answer. */
  readonly deadline: number;
}

/** As it travels. */
export type PackedRankRequest = Omit<RankRequest, 'candidates'> & { readonly candidates: PackedCandidates };

export interface RankReply {
  /** The ranker that scored, `name-version@sha8`. */
  readonly model: string;
  readonly scores: Float32Array;
  /** 0–1, trust in the model for this list. */
  readonly gate: number;
  readonly explanations: readonly Attribution[] | null;
  /** The list without its history, pictures or counts, where an explanation was asked for and the ranker looks at them. */
  readonly without: Partial<Readonly<Record<Group, WithheldScores>>>;
  /** Every column of the feature set, [N·F] row-major in its order, bit for bit what was scored; null where not asked for. */
  readonly columns: Float32Array | null;
  /** Every input of the contract, with every column, bit for bit what a ranker is fed; null where not asked for. */
  readonly inputs: RankingInput | null;
  /** Candidates whose vectors did not arrive in time and were masked. */
  readonly missing: number;
  /** Products of list and history whose statistics did not arrive in time, though somebody wanted them. */
  readonly missingStatistics: number;
  /** Milliseconds by stage inside the scorer. */
  readonly stages: { readonly items: number; readonly features: number; readonly score: number };
}

/** Products to be compared with each other by their vectors. */
export interface CompareRequest {
  readonly products: readonly ItemVersion[];
  readonly roles: ProductFieldRoles;
  readonly signals: { readonly text: boolean; readonly image: boolean };
  /** Epoch milliseconds after which nobody waits for the answer. */
  readonly deadline: number;
}

/** An index to read ahead: the vectors of a catalogue, or the statistics of its products. */
export type WarmRequest =
  | { readonly what: 'items'; readonly index: string; readonly roles: ProductFieldRoles }
  | { readonly what: 'statistics'; readonly index: string };

export type ScorerTask =
  | { readonly kind: 'encode'; readonly request: EncodeRequest }
  | { readonly kind: 'embed'; readonly request: EmbedRequest }
  | { readonly kind: 'rank'; readonly request: PackedRankRequest }
  | { readonly kind: 'compare'; readonly request: CompareRequest }
  | { readonly kind: 'warm'; readonly request: WarmRequest };
/** A number counts the rows that a warm-up kept, floats are likenesses. */
export type ScorerResult = QueryVectors | EmbedReply | RankReply | Float32Array | number;
export type ToScorer = { readonly kind: 'open'; readonly settings: ScorerSettings } | (ScorerTask & { readonly id: number });
export type FromScorer =
  | { readonly kind: 'ready'; readonly facts: ScorerFacts }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'done'; readonly id: number; readonly result: ScorerResult }
  | { readonly kind: 'failed'; readonly id: number; readonly name: ScorerFailureName; readonly message: string };

export type ScorerFailureName =
  | 'scorer_unavailable'
  | 'scorer_overloaded'
  | 'scorer_failed'
  | 'vectors_missing'
  | 'bad_scores'
  | 'encoder_mismatch'
  | 'query_image_unreadable';

/** A task that gave no result; `reason` is the public one. */
export class ScorerFailure extends Error {
  readonly reason: ScorerFailureName;
  constructor(reason: ScorerFailureName, message: string) {
    super(message);
    this.name = 'ScorerFailure';
    this.reason = reason;
  }
}

/** The artefacts or encoders can't be opened: not ready until that is mended. */
export class ScorerRefused extends Error {
  readonly exitCode = 2;
  constructor(message: string) {
    super(message);
    this.name = 'ScorerRefused';
  }
}
