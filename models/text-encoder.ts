import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PreTrainedTokenizer } from '@huggingface/transformers';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.js';
import { openModelFolder, type ModelFolder } from './model-folder.js';
import { openOnnxSession, type OnnxFeed, type OnnxOutput, type OnnxSession } from './onnx-session.js';

/** The encoder of `path: builtin`. */
export const builtinTextFolder: string = join(packageRoot, 'models', 'artefacts', 'text-small-1');

/** Mixed lengths in one call cost twice as much as length-sorted chunks of this many. */
const CHUNK = 16;
/** Where the tokenizer names no limit of its own (or an absurd one). */
const LONGEST_TEXT = 512;

export interface TextEncoder {
  /** `name@sha8` of the model; stamped into every index that holds its vectors. */
  readonly id: string;
  readonly dims: number;
  /** sha256 over the tokenizer, its limit and the pooling rule: vectors of two different values do not compare. */
  readonly preprocessing: string;
  /**
   * Unit vectors, in the order of the texts. A text without a single token gives the zero vector; callers drop it.
   * A text's vector does not depend on its neighbours in the call. Texts beyond the model's length are cut.
   */
  encode(texts: readonly string[]): Promise<Float32Array[]>;
  /** One query, with the query prompt (if any) before it. */
  encodeQuery(text: string): Promise<Float32Array>;
  close(): Promise<void>;
}

const tokenizerConfigSchema = z.looseObject({ model_max_length: z.number().positive().optional().catch(undefined) });
const tokenizerSchema = z.looseObject({ model: z.looseObject({}) });
const poolingConfigSchema = z.looseObject({ pooling_mode_cls_token: z.boolean().optional() });

type Pooling = 'mean' | 'cls' | 'sentence_embedding';

/**
 * Opens the built-in encoder or a local folder in Transformers.js layout (`tokenizer.json`, `tokenizer_config.json`,
 * `onnx/model*.onnx`). Only the tokenizer comes from Transformers.js; nothing is fetched, and the model runs in our
 * own session.
 *
 * @param options.path `builtin`, or a folder
 * @param options.queryPrompt put before every query, as some models want ("query: ")
 * @param options.batch texts a model call, 16 by default
 * @throws ModelFolderUnreadable, ArtefactMismatch, ModelUnreadable
 */
export async function openTextEncoder(options: { path: string; queryPrompt?: string; batch?: number }): Promise<TextEncoder> {
  const folder = await openModelFolder(options.path === 'builtin' ? builtinTextFolder : options.path, 'text-encoder');
  const tokenizer = await openTokenizer(folder);
  const session = await openOnnxSession(folder.modelFile);
  const pooling = await choosePooling(folder, session);
  const model = { session, pooling };
  const [probe] = await runChunk(model, [[tokenizer.padding]]);
  if (!probe) throw new Error(`${folder.path} gave no vector for a probe text`);

  const queryPrompt = options.queryPrompt ?? '';
  const chunkSize = options.batch ?? CHUNK;
  const encode = async (texts: readonly string[]): Promise<Float32Array[]> => {
    const vectors: Float32Array[] = texts.map(() => new Float32Array(probe.length));
    const rows = texts.map((text, index) => ({ index, ids: tokenizer.tokenise(text) })).filter((row) => row.ids.length > 0);
    rows.sort((a, b) => a.ids.length - b.ids.length);
    for (let start = 0; start < rows.length; start += chunkSize) {
      const chunk = rows.slice(start, start + chunkSize);
      const encoded = await runChunk(
        model,
        chunk.map((row) => row.ids),
      );
      chunk.forEach((row, i) => {
        const vector = encoded[i];
        if (vector) vectors[row.index] = scaleToUnit(vector);
      });
    }
    return vectors;
  };
  return {
    id: folder.id,
    dims: probe.length,
    preprocessing: createHash('sha256').update(tokenizer.fingerprint).update(`pooling=${pooling};unit`).digest('hex'),
    encode,
    async encodeQuery(text) {
      const [vector] = await encode([queryPrompt + text]);
      return vector ?? new Float32Array(probe.length);
    },
    close: () => session.close(),
  };
}

interface Tokeniser {
  /** Token ids with the model's special tokens; empty where the text holds no token of its own. */
  tokenise(text: string): number[];
  padding: number;
  fingerprint: string;
}

async function openTokenizer(folder: ModelFolder): Promise<Tokeniser> {
  const files = await Promise.all([folder.readText('tokenizer.json'), folder.readText('tokenizer_config.json')]);
  const config = tokenizerConfigSchema.parse(JSON.parse(files[1]));
  const tokenizer = new PreTrainedTokenizer(tokenizerSchema.parse(JSON.parse(files[0])), config);
  const limit = Math.min(config.model_max_length ?? LONGEST_TEXT, LONGEST_TEXT);

  // What follows the text's own tokens ([SEP], </s>) has to survive a cut.
  const plain = tokenizer.encode('a', { add_special_tokens: false });
  const framed = tokenizer.encode('a');
  const closing = framed.slice(framed.lastIndexOf(plain.at(-1) ?? -1) + 1);
  const specials = framed.length - plain.length;

  return {
    tokenise(text) {
      const ids = tokenizer.encode(text);
      if (ids.length <= specials) return [];
      return ids.length <= limit ? ids : [...ids.slice(0, limit - closing.length), ...closing];
    },
    padding: Number(tokenizer.pad_token_id ?? 0),
    fingerprint: `${files[0]}\n${files[1]}\nlimit=${limit}`,
  };
}

async function choosePooling(folder: ModelFolder, session: OnnxSession): Promise<Pooling> {
  if (session.outputNames.includes('sentence_embedding')) return 'sentence_embedding';
  if (!session.outputNames.includes('last_hidden_state')) {
    throw new Error(
      `${folder.modelFile} has outputs ${session.outputNames.join(', ')}; a text encoder gives last_hidden_state or sentence_embedding`,
    );
  }
  // sentence-transformers writes its pooling rule beside the model.
  const file = join(folder.path, '1_Pooling', 'config.json');
  if (!existsSync(file)) return 'mean';
  return poolingConfigSchema.parse(JSON.parse(await readFile(file, 'utf8'))).pooling_mode_cls_token ? 'cls' : 'mean';
}

/** Rows of token ids (none empty) → one pooled vector a row, not yet of unit length. */
async function runChunk(model: { session: OnnxSession; pooling: Pooling }, rows: number[][]): Promise<Float32Array[]> {
  const { session, pooling } = model;
  const length = Math.max(...rows.map((row) => row.length));
  const dims = [rows.length, length];
  const ids = new BigInt64Array(rows.length * length);
  const mask = new BigInt64Array(rows.length * length);
  rows.forEach((row, r) => {
    row.forEach((id, t) => {
      ids[r * length + t] = BigInt(id);
      mask[r * length + t] = 1n;
    });
  });
  const known: Record<string, OnnxFeed> = {
    input_ids: { type: 'int64', data: ids, dims },
    attention_mask: { type: 'int64', data: mask, dims },
    token_type_ids: { type: 'int64', data: new BigInt64Array(rows.length * length), dims },
  };
  const feeds: Record<string, OnnxFeed> = {};
  for (const name of session.inputNames) {
    const feed = known[name];
    if (!feed)
      throw new Error(`the text model wants an input "${name}" that is not known; use an export with input_ids and attention_mask`);
    feeds[name] = feed;
  }
  const outputs = await session.run(feeds);
  const output = outputs[pooling === 'sentence_embedding' ? pooling : 'last_hidden_state'];
  if (!output) throw new Error('the text model gave no float32 output; use an export with float32 outputs');
  return rows.map((row, r) => poolRow(output, r, pooling === 'mean' ? row.length : 1));
}

/** Mean over the first `tokens` positions of row r of [rows, length, dims] (or the row itself of [rows, dims]). */
function poolRow(output: OnnxOutput, r: number, tokens: number): Float32Array {
  const dims = output.dims.at(-1) ?? 0;
  const length = output.dims.length === 3 ? (output.dims[1] ?? 0) : 1;
  const pooled = new Float32Array(dims);
  for (let t = 0; t < tokens; t++) {
    const at = (r * length + t) * dims;
    for (let d = 0; d < dims; d++) pooled[d] = (pooled[d] ?? 0) + (output.data[at + d] ?? 0) / tokens;
  }
  return pooled;
}

/** In place. The zero vector stays zero. */
function scaleToUnit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares > 0) {
    const scale = 1 / Math.sqrt(squares);
    for (let d = 0; d < vector.length; d++) vector[d] = (vector[d] ?? 0) * scale;
  }
  return vector;
}
