import { describe, expect, test } from 'vitest';
import { readQualityOptions } from './quality-options.js';

const KNOWN = ['esci', 'beauty', 'sports'];

describe('the arguments of bench:quality', () => {
  test('mean everything where none is given', () => {
    expect(readQualityOptions([], KNOWN)).toEqual({
      names: KNOWN,
      write: false,
      present: false,
      shoppers: 3_000,
      seeds: [1, 2, 3],
      artefacts: new Map(),
    });
    expect(readQualityOptions(['all', 'esci'], KNOWN).names).toEqual(KNOWN);
  });

  test('name measurements, in the order of the page, and what they take', () => {
    const args = [
      'sports',
      'esci',
      '--write',
      '--present',
      '--shoppers',
      '500',
      '--seeds',
      '1,7,1',
      '--artefact',
      'from the others=/tmp/a=b',
    ];
    expect(readQualityOptions([...args, '--artefact=large=./large-1'], KNOWN)).toEqual({
      names: ['esci', 'sports'],
      write: true,
      present: true,
      shoppers: 500,
      seeds: [1, 7],
      artefacts: new Map([
        ['from the others', '/tmp/a=b'],
        ['large', './large-1'],
      ]),
    });
  });

  test.each([
    [['films'], 'there is no measurement films; there are esci, beauty, sports, and all'],
    [['--seeds', '1,two'], '--seeds two: whole numbers from 1 are wanted'],
    [['--shoppers', '0'], '--shoppers 0: whole numbers from 1 are wanted'],
    [['--artefact', 'large'], '--artefact large: write NAME=FOLDER'],
    [['--loud'], '--loud'],
  ])('are refused where they mean nothing: %j', (args, message) => {
    expect(() => readQualityOptions(args, KNOWN)).toThrow(message);
  });
});
