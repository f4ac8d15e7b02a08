import { describe, expect, it } from 'vitest';
import { ownMemberEdits, stripOwnMembers, stripUnparsed } from '../../sidecar/request/own-members.js';
import { applyEdits } from '../../sidecar/json/spans.js';

const deep = (inside: string): string => `{"a":${'['.repeat(500)}${']'.repeat(500)},${inside}}`;

describe('our members', () => {
  it('are taken out of an object that stands among others', () => {
    const text = Buffer.from('{"index":"a"}\n{"size":1,"ext":{"fuserank":{}}}\n{}\n{"fuserank":{"x":1},"size":2}\n');
    const starts = [14, 46 + 3];
    const edits = starts.flatMap((at) => ownMemberEdits(text, text.indexOf('{', at)));
    expect(applyEdits(text, edits).toString()).toBe('{"index":"a"}\n{"size":1}\n{}\n{"size":2}\n');
  });

  it('leave the very bytes where there are none, even if our name is in them', () => {
    for (const text of ['{"query":{"match":{"title":"fuserank"}}}', '{}', '']) {
      const bytes = Buffer.from(text);
      expect(stripOwnMembers(bytes)).toBe(bytes);
      expect(stripUnparsed(bytes)).toBe(bytes);
    }
  });

  it('are taken out without parsing what is around them', () => {
    const lines = `{}\n${deep('"ext":{"fuserank":{}}')}\n\n{ "size" : 1 }\n`;
    expect(stripUnparsed(Buffer.from(lines), 'lines').toString()).toBe(lines.replace(',"ext":{"fuserank":{}}', ''));
    const spaced = `\n  ${deep('\n "fuserank":{}')}`;
    expect(stripUnparsed(Buffer.from(spaced)).toString()).toBe(spaced.replace(',\n "fuserank":{}', ''));
    const broken = `${deep('"fuserank":{}').slice(0, -1)}`;
    expect(stripUnparsed(Buffer.from(broken)).toString()).toBe(broken);
  });
});
