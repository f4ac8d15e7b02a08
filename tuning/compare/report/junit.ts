import type { RunComparison } from '../run-comparison.js';

/** A JUnit file with a test case for each rule of the gate, as CI systems show them. */
export function renderJunit({ gate, runs }: RunComparison): string {
  const failures = gate.rules.filter(({ passed }) => !passed).length;
  const cases = gate.rules.map(({ rule, passed, detail }) => {
    const opening = `    <testcase classname="fuserank.compare" name="${escapeXml(rule)}"`;
    const inside = passed
      ? `<system-out>${escapeXml(detail)}</system-out>`
      : `<failure type="gate" message="${escapeXml(detail)}">${escapeXml(`${rule}: ${detail}`)}</failure>`;
    return `${opening}>${inside}</testcase>`;
  });
  const counts = `tests="${gate.rules.length}" failures="${failures}" errors="0" skipped="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${escapeXml(`compare ${runs.a.name} with ${runs.b.name}`)}" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** Text for an element or an attribute of XML 1.0, which has no place at all for most control characters. */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
    .replace(/[&<>"'\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
