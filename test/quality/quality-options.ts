import { parseArgs } from 'node:util';

/** What the command was asked for. */
export interface QualityOptions {
  /** Measurements, in the order of the page. */
  readonly names: readonly string[];
  /** Renew the sections of docs/quality.md. */
  readonly write: boolean;
  /** Ask and train nothing: write of what was asked before. */
  readonly present: boolean;
  /** Shoppers that become queries at most. */
  readonly shoppers: number;
  /** Of what is trained: one artefact a seed. */
  readonly seeds: readonly number[];
  /** Rankers of others that are measured beside ours, by the names that tables give them. */
  readonly artefacts: ReadonlyMap<string, string>;
}

/** Arguments that mean nothing; the message says which. */
export class OptionsRefused extends Error {
  override readonly name = 'OptionsRefused';
}

export const DEFAULT_SHOPPERS = 3_000;
const DEFAULT_SEEDS = '1,2,3';

/**
 * Reads the arguments of `npm run bench:quality`.
 * @param known names of the measurements, in the order of the page; none given means all of them
 * @throws OptionsRefused
 */
export function readQualityOptions(args: readonly string[], known: readonly string[]): QualityOptions {
  const { values, positionals } = parseOrRefuse(args);
  const strange = positionals.find((name) => name !== 'all' && !known.includes(name));
  if (strange !== undefined) throw new OptionsRefused(`there is no measurement ${strange}; there are ${known.join(', ')}, and all`);
  const wanted = positionals.length === 0 || positionals.includes('all') ? known : known.filter((name) => positionals.includes(name));
  return {
    names: wanted,
    write: values.write ?? false,
    present: values.present ?? false,
    shoppers: wholeNumber('--shoppers', values.shoppers ?? String(DEFAULT_SHOPPERS)),
    seeds: [...new Set((values.seeds ?? DEFAULT_SEEDS).split(',').map((seed) => wholeNumber('--seeds', seed)))],
    artefacts: new Map((values.artefact ?? []).map(readArtefact)),
  };
}

function parseOrRefuse(args: readonly string[]): {
  values: { write?: boolean; present?: boolean; shoppers?: string; seeds?: string; artefact?: string[] };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        write: { type: 'boolean' },
        present: { type: 'boolean' },
        shoppers: { type: 'string' },
        seeds: { type: 'string' },
        artefact: { type: 'string', multiple: true },
      },
      allowPositionals: true,
    });
  } catch (error) {
    throw new OptionsRefused(error instanceof Error ? error.message : String(error));
  }
}

function readArtefact(text: string): [name: string, folder: string] {
  const [, name, folder] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || folder === undefined) throw new OptionsRefused(`--artefact ${text}: write NAME=FOLDER`);
  return [name, folder];
}

function wholeNumber(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(number) || number < 1) {
    throw new OptionsRefused(`${flag} ${text}: whole numbers from 1 are wanted`);
  }
  return number;
}
