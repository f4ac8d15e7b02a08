import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyEdits,
  cutMembers,
  findMember,
  literal,
  MalformedJson,
  nestsDeeper,
  readElements,
  readMembers,
} from '../../sidecar/json/spans.js';

const spaces = fc.constantFrom('', ' ', '\n\t', '  ');
const json = fc.jsonValue();

describe('spans of a JSON text', () => {
  it('finds the members that JSON.parse finds, whatever the white space and the values', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), spaces, (object, space) => {
        const text = Buffer.from(space + JSON.stringify(object, null, space.length) + space);
        const members = readMembers(text);
        expect(Object.fromEntries(members.map((m) => [m.key, JSON.parse(literal(text, m.value))]))).toEqual(JSON.parse(text.toString()));
      }),
    );
  });

  it('finds the elements of an array', () => {
    fc.assert(
      fc.property(fc.array(json), (array) => {
        const text = Buffer.from(JSON.stringify(array, null, 1));
        expect(readElements(text, 0).map((span): unknown => JSON.parse(literal(text, span)))).toEqual(JSON.parse(text.toString()));
      }),
    );
  });

  it('finds where long arrays that begin like vectors end, whatever follows the numbers', () => {
    const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 20, maxLength: 60 });
    const after = fc.array(fc.oneof(fc.constantFrom<unknown>(']', '[', '"],"', [], [1], {}, { a: [2] }), json), { maxLength: 4 });
    fc.assert(
      fc.property(numbers, after, spaces, (vector, rest, space) => {
        const object = { vector: [...vector, ...rest], next: '[1,2]' };
        const text = Buffer.from(JSON.stringify(object, null, space.length));
        const found = Object.fromEntries(readMembers(text).map((m) => [m.key, JSON.parse(literal(text, m.value))]));
        expect(found).toEqual(JSON.parse(text.toString()));
      }),
    );
  });

  it('keeps number literals that JSON.parse would change', () => {
    const text = Buffer.from('{"max_score":1.0,"id":9007199254740993}');
    expect(literal(text, findMember(text, 0, 'max_score')?.value ?? { start: 0, end: 0 })).toBe('1.0');
    expect(literal(text, findMember(text, 0, 'id')?.value ?? { start: 0, end: 0 })).toBe('9007199254740993');
  });

  it('cuts any set of members and leaves every other byte in place', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-h]$/), json), fc.subarray([...'abcdefgh']), spaces, (object, drop, space) => {
        const text = Buffer.from(JSON.stringify(object, null, space.length));
        const members = readMembers(text);
        const cut = applyEdits(
          text,
          cutMembers(members, (key) => drop.includes(key)),
        );
        const expected = Object.fromEntries(Object.entries(object).filter(([key]) => !drop.includes(key)));
        expect(JSON.parse(cut.toString())).toEqual(JSON.parse(JSON.stringify(expected)));
        if (!members.some((member) => drop.includes(member.key))) expect(cut.equals(text)).toBe(true);
        const kept = members.filter((member) => !drop.includes(member.key));
        for (const member of kept) expect(cut.includes(text.subarray(member.start, member.value.end))).toBe(true);
      }),
    );
  });

  it('says where a broken text ends', () => {
    for (const broken of ['', '{', '{"a"', '{"a":', '[1', '{"a":"x', '[}', '{"a" 1}']) {
      expect(() => (broken.startsWith('[') ? readElements(Buffer.from(broken), 0) : readMembers(Buffer.from(broken)))).toThrow(
        MalformedJson,
      );
    }
  });
});

describe('depth', () => {
  const depthOf = (value: unknown): number =>
    typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

  it('is what counting objects and arrays gives, whatever stands in strings', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(7), (value, limit) => {
        expect(nestsDeeper(Buffer.from(JSON.stringify(value)), limit)).toBe(depthOf(value) > limit);
      }),
    );
    expect(nestsDeeper(Buffer.from('{"a":"[[[[","b\\"{":"\\\\"}'), 1)).toBe(false);
  });
});
