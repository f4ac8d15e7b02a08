import { pairSystems, type PairedSystem } from './system-table.js';

/** Run files by system, all of one question set, compared as tables want it: each pair once. */
export class AskedRuns {
  readonly #files = new Map<string, string>();
  readonly #paired = new Map<string, Promise<PairedSystem[]>>();

  /** @param metrics the first one leads */
  constructor(readonly metrics: readonly string[]) {}

  /** Names in the order in which they were added. */
  get names(): string[] {
    return [...this.#files.keys()];
  }

  add(name: string, file: string): void {
    this.#files.set(name, file);
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  /** @throws Error for a system that was not asked */
  fileOf(name: string): string {
    const file = this.#files.get(name);
    if (file === undefined) throw new Error(`${name} was not asked; there are ${this.names.join(', ')}`);
    return file;
  }

  /** Each of the systems beside the baseline, query by query. */
  async pair(names: readonly string[], baseline: string): Promise<PairedSystem[]> {
    const paired: PairedSystem[] = [];
    for (const name of names) paired.push(...(await this.#pairOne(name, baseline)));
    return paired;
  }

  /** @throws Error for a system that was not asked */
  async pairOf(name: string, baseline: string): Promise<PairedSystem> {
    const [paired] = await this.#pairOne(name, baseline);
    if (!paired) throw new Error(`${name} gave no comparison`);
    return paired;
  }

  #pairOne(name: string, baseline: string): Promise<PairedSystem[]> {
    const key = JSON.stringify([name, baseline]);
    const known = this.#paired.get(key);
    if (known) return known;
    const pairing = pairSystems([{ name, file: this.fileOf(name) }], { baseline: this.fileOf(baseline), metrics: this.metrics });
    this.#paired.set(key, pairing);
    return pairing;
  }
}
