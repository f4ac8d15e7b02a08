/** Documents being read by id: what is on its way already is waited for, not asked for again. */
export class ReadsUnderWay {
  readonly #reads = new Map<string, Promise<void>>();

  /**
   * Resolves when all documents have come. Nothing cuts a read short: who cannot wait leaves, and the next one finds what came.
   * @param read reads those that nobody has asked for yet; its rejection is everybody's who waits for them
   */
  async join(index: string, ids: readonly string[], read: (ids: readonly string[]) => Promise<void>): Promise<void> {
    const keyOf = (id: string): string => `${index}\0${id}`;
    const arriving = new Set(ids.flatMap((id) => this.#reads.get(keyOf(id)) ?? []));
    const absent = ids.filter((id) => !this.#reads.has(keyOf(id)));
    if (absent.length > 0) {
      const reading = read(absent).finally(() => absent.forEach((id) => this.#reads.delete(keyOf(id))));
      for (const id of absent) this.#reads.set(keyOf(id), reading);
      arriving.add(reading);
    }
    await Promise.all(arriving);
  }
}
