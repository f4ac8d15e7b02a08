import { seedStream } from '../../models/random-stream.js';
import { dot } from './alignment.js';
import type { TextProduct } from './text-packs.js';

/** A text whose products are known. */
export interface Question {
  readonly kind: 'sentence' | 'fragment';
  readonly text: string;
  /** Places of the products that hold the very text. */
  readonly answers: readonly number[];
}

/** One value a question. */
export interface KnownItems {
  /** 1 / rank of the best answer among all products; what scores the same and is no answer stands before it. */
  readonly reciprocalRanks: readonly number[];
  /** The ten nearest products of each question. */
  readonly nearest: readonly (readonly number[])[];
}

const NEAREST = 10;
const FEWEST_WORDS = 3;
const FRAGMENT = { fewest: 2, most: 4 };

/** Of each product a sentence of its descriptions, where it has one, and two to four words in a row of its title. */
export function drawQuestions(products: readonly TextProduct[], seed: number): Question[] {
  const next = seedStream(seed);
  const sentences = products.map((product) =>
    product.texts.flatMap(cutSentences).filter((line) => line.toLowerCase() !== product.title.toLowerCase()),
  );
  const titles = products.map(({ title }) => ` ${wordsOf(title).join(' ')} `);
  const questions: Question[] = [];
  for (const own of sentences) {
    const text = own[Math.floor(next() * own.length)];
    if (text !== undefined) questions.push({ kind: 'sentence', text, answers: placesOf(sentences, (lines) => lines.includes(text)) });
  }
  for (const { title } of products) {
    const words = wordsOf(title);
    const count = Math.min(words.length, FRAGMENT.fewest + Math.floor(next() * (FRAGMENT.most - FRAGMENT.fewest + 1)));
    if (count < FRAGMENT.fewest) continue;
    const start = Math.floor(next() * (words.length - count + 1));
    const text = words.slice(start, start + count).join(' ');
    questions.push({ kind: 'fragment', text, answers: placesOf(titles, (whole) => whole.includes(` ${text} `)) });
  }
  return questions;
}

/** Vectors of the questions against those of the products' titles, all of unit length. */
export function measureKnownItems(
  questions: readonly Question[],
  vectors: { readonly questions: readonly Float32Array[]; readonly titles: readonly Float32Array[] },
): KnownItems {
  const reciprocalRanks: number[] = [];
  const nearest: number[][] = [];
  for (const [place, { answers }] of questions.entries()) {
    const asked = vectors.questions[place] ?? new Float32Array();
    const scores = vectors.titles.map((title) => dot(asked, title));
    const best = Math.max(...answers.map((answer) => scores[answer] ?? -Infinity));
    const before = scores.filter((score, product) => score >= best && !answers.includes(product)).length;
    reciprocalRanks.push(1 / (1 + before));
    nearest.push([...scores.keys()].sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b).slice(0, NEAREST));
  }
  return { reciprocalRanks, nearest };
}

/** Share of ten nearest products that both name, a question each. */
export function agreementOf(one: KnownItems, other: KnownItems): number[] {
  return one.nearest.map((places, question) => places.filter((place) => other.nearest[question]?.includes(place)).length / NEAREST);
}

function cutSentences(text: string): string[] {
  const parts = text.split(/<[^>]+>|\n|(?<=[.!?;])\s+/).map((part) => part.replace(/\s+/g, ' ').trim());
  return parts.filter((part) => part.split(' ').length >= FEWEST_WORDS);
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}'&.-]+/gu) ?? [];
}

function placesOf<Value>(values: readonly Value[], holds: (value: Value) => boolean): number[] {
  return [...values.keys()].filter((place) => {
    const value = values[place];
    return value !== undefined && holds(value);
  });
}
