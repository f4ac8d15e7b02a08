import { describe, expect, it } from 'vitest';
import { agreementOf, drawQuestions, measureKnownItems } from './known-item.js';
import type { TextProduct } from './text-packs.js';
import { keepApart } from './text-packs.js';

const product = (id: string, title: string, texts: string[] = [], group: string | null = null): TextProduct => ({
  id,
  title,
  texts,
  group,
  labels: [],
});

describe('drawQuestions', () => {
  it('draws a sentence that is not the title and a run of title words, and knows every product that holds them', () => {
    const both = 'It keeps your coffee warm.';
    const questions = drawQuestions(
      [product('1', 'Blue coffee mug', [both]), product('2', 'Blue coffee mug', [`${both}\nMug`]), product('3', 'Lamp')],
      1,
    );
    const sentences = questions.filter(({ kind }) => kind === 'sentence');
    expect(sentences.map(({ text, answers }) => [text, answers])).toEqual([
      [both, [0, 1]],
      [both, [0, 1]],
    ]);
    const fragments = questions.filter(({ kind }) => kind === 'fragment');
    expect(fragments).toHaveLength(2); // one word is no fragment
    for (const { text, answers } of fragments) {
      expect('blue coffee mug').toContain(text);
      expect(answers).toEqual([0, 1]);
    }
  });
});

describe('measureKnownItems', () => {
  const rows = (...values: number[][]): Float32Array[] => values.map((row) => Float32Array.from(row));

  it('gives 1 / rank of the best answer; a tie counts against it', () => {
    const questions = [
      { kind: 'sentence', text: 'a', answers: [1, 2] },
      { kind: 'sentence', text: 'b', answers: [0] },
    ] as const;
    const found = measureKnownItems(questions, { questions: rows([1, 0], [0, 1]), titles: rows([1, 0], [0.5, 0], [0.9, 0]) });
    expect(found.reciprocalRanks).toEqual([1 / 2, 1 / 3]);
    expect(found.nearest[0]).toEqual([0, 2, 1]);
    expect(agreementOf(found, found)).toEqual([0.3, 0.3]);
  });
});

describe('keepApart', () => {
  it('keeps whole groups apart, at most a fifth and a group', () => {
    const products = Array.from({ length: 100 }, (_, place) => product(String(place), `title ${place}`, [], `group ${place % 25}`));
    const { learn, test } = keepApart(products, 50);
    expect(test.length).toBeGreaterThanOrEqual(20);
    expect(learn.length + test.length).toBe(100);
    const apart = new Set(test.map(({ group }) => group));
    expect(learn.filter(({ group }) => apart.has(group))).toEqual([]);
  });
});
