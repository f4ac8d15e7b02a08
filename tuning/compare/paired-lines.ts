import type { RunLine } from '../run/run-line.js';
import type { LinePlace, OpenRun, PlacedLine } from './open-run.js';
import { UnusableRun } from './unusable-run.js';

/** The two answers to one query, and where they lie. */
export interface LinePair {
  readonly a: RunLine;
  readonly b: RunLine;
  readonly places: { readonly a: LinePlace; readonly b: LinePlace };
}

/** Lines kept in memory while the other run's line is awaited; of the rest only the place is kept, and they are read again. */
const KEPT_LINES = 64;

/**
 * Joins two runs by query id, whatever the order of their lines: an evaluation with several searches under way writes
 * them as they end. Lines of nearly the same order are read once. @throws UnusableRun where a run holds a query twice,
 * lacks one that the other has, or holds fewer than its header promises.
 */
export async function* pairLines(a: OpenRun, b: OpenRun): AsyncGenerator<LinePair> {
  const sides = [new WaitingLines(a), new WaitingLines(b)] as const;
  const [sideA, sideB] = sides;
  while (!sideA.ended || !sideB.ended) {
    const nextA = await sideA.read();
    const matchB = nextA && (await sideB.take(nextA.line.query_id));
    if (nextA && matchB) yield { a: nextA.line, b: matchB.line, places: { a: nextA.place, b: matchB.place } };
    else if (nextA) sideA.keep(nextA);

    const nextB = await sideB.read();
    const matchA = nextB && (await sideA.take(nextB.line.query_id));
    if (nextB && matchA) yield { a: matchA.line, b: nextB.line, places: { a: matchA.place, b: nextB.place } };
    else if (nextB) sideB.keep(nextB);
  }
  for (const side of sides) side.checkCount();
  checkAlone(sideA, b.file);
  checkAlone(sideB, a.file);
}

function checkAlone(side: WaitingLines, other: string): void {
  const alone = side.waiting();
  if (alone.length > 0) {
    throw new UnusableRun(
      `${alone.length} queries of ${side.run.file} are not in ${other}, the first ${JSON.stringify(alone[0])}; evaluate both with the same --queries`,
    );
  }
}

/** One run's lines that have been read, but whose partners have not. */
class WaitingLines {
  ended = false;
  readonly #lines = new Map<string, PlacedLine>();
  readonly #places = new Map<string, LinePlace>();
  readonly #seen = new Set<string>();
  readonly #source: AsyncGenerator<PlacedLine>;

  constructor(readonly run: OpenRun) {
    this.#source = run.lines();
  }

  async read(): Promise<PlacedLine | null> {
    if (this.ended) return null;
    const step = await this.#source.next();
    if (step.done) {
      this.ended = true;
      return null;
    }
    const id = step.value.line.query_id;
    if (this.#seen.has(id)) throw new UnusableRun(`${this.run.file} holds query ${JSON.stringify(id)} twice; evaluate into a new file`);
    this.#seen.add(id);
    return step.value;
  }

  keep(line: PlacedLine): void {
    if (this.#lines.size < KEPT_LINES) this.#lines.set(line.line.query_id, line);
    else this.#places.set(line.line.query_id, line.place);
  }

  async take(id: string): Promise<PlacedLine | null> {
    const line = this.#lines.get(id);
    if (line && this.#lines.delete(id)) return line;
    const place = this.#places.get(id);
    if (!place) return null;
    this.#places.delete(id);
    return { line: await this.run.lineAt(place), place };
  }

  waiting(): string[] {
    return [...this.#lines.keys(), ...this.#places.keys()];
  }

  checkCount(): void {
    const { count } = this.run.header.queries;
    if (this.#seen.size !== count) {
      throw new UnusableRun(
        `${this.run.file} holds ${this.#seen.size} of ${count} queries; the same fuserank evaluate goes on where it stopped`,
      );
    }
  }
}
