/** What the `X-Fuserank` header says, for people. Pure. */

/** What to do about the reasons that a person at this page meets. */
const REMEDIES = {
  no_profile: 'no profile of the sidecar covers this index; start it with --index, or add a profile to fuserank.yaml',
  encoder_mismatch: 'its vectors come from another encoder than the sidecar runs; run fuserank index again',
  budget: 'ranking took longer than it may; the machine is busy, or the profile’s budgetMs is small',
  scorer_unavailable: 'no scorer process is ready; it is being started',
  scorer_overloaded: 'the scorer has more searches waiting than it can answer in time',
};

/** @returns {{applied: boolean, text: string}} */
export function readOutcome(header) {
  if (header.startsWith('applied')) return { applied: true, text: '' };
  const reason = /reason=([\w-]+)/.exec(header)?.[1];
  const why = REMEDIES[reason] ?? (reason ?? header).replaceAll('_', ' ');
  return { applied: false, text: `This is OpenSearch’s own order: ${why}.` };
}
