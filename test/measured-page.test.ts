import { describe, expect, test } from 'vitest';
import { markdownTable, plainTable, replaceSection } from './measured-page.js';

const table = {
  columns: ['system', 'nDCG'],
  rows: [
    ['BM25', '.571'],
    ['a | b', '.58'],
  ],
};

test('markdownTable sets figures to the right and keeps bars out of the grid', () => {
  expect(markdownTable(table)).toBe('| system | nDCG |\n| --- | --: |\n| BM25 | .571 |\n| a \\| b | .58 |');
});

test('plainTable keeps columns even', () => {
  expect(plainTable(table)).toBe('system  nDCG\nBM25    .571\na | b    .58');
});

describe('replaceSection', () => {
  test('adds a section that is new, and renews it the next time', () => {
    const once = replaceSection('# Page\n', 'esci', 'first');
    expect(once).toBe('# Page\n\n<!-- begin esci -->\n\nfirst\n\n<!-- end esci -->\n');
    expect(replaceSection(once, 'esci', 'second')).toBe('# Page\n\n<!-- begin esci -->\n\nsecond\n\n<!-- end esci -->\n');
  });

  test('leaves the other sections and the words between them alone', () => {
    const page = replaceSection(replaceSection('# Page\n', 'esci', 'e'), 'tops', 't');
    const renewed = replaceSection(page, 'esci', 'new');
    expect(renewed).toContain('<!-- begin tops -->\n\nt\n\n<!-- end tops -->');
    expect(replaceSection(renewed, 'esci', 'e')).toBe(page);
  });
});
