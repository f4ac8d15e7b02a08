import type { IndexProgress } from './index-report.js';
import { describeRated } from './quantity.js';

interface Terminal {
  isTTY?: boolean;
  write(text: string): unknown;
}

const LOG_EVERY_SECONDS = 10;
/** A terminal is drawn on so often at most. */
const DRAW_EVERY_SECONDS = 0.1;
const CLEAR_LINE = '\r\x1b[2K';

/** One line that is drawn over again on a terminal; a log line each ten seconds elsewhere. */
export function showProgress<Progress extends { seconds: number }>(
  terminal: Terminal,
  options: { quiet: boolean; describe: (progress: Progress) => string },
): { update: (progress: Progress) => void; end: () => void } {
  const live = terminal.isTTY === true;
  const every = live ? DRAW_EVERY_SECONDS : LOG_EVERY_SECONDS;
  let last = live ? -Infinity : 0;
  return {
    update(progress) {
      if (options.quiet || progress.seconds - last < every) return;
      last = progress.seconds;
      const line = options.describe(progress);
      terminal.write(live ? `${CLEAR_LINE}${line}` : `${line}\n`);
    },
    end() {
      if (!options.quiet && live) terminal.write(CLEAR_LINE);
    },
  };
}

export function describeIndexProgress({ rows, written, unchanged, rejected, texts, pictures, seconds }: IndexProgress): string {
  const rated = (count: number, noun: string): string => describeRated(count, noun, count / Math.max(seconds, 0.001));
  return [
    rated(rows, 'row'),
    `${written} written`,
    `${unchanged} unchanged`,
    `${rejected} rejected`,
    `embedded ${rated(texts, 'text')}, ${rated(pictures, 'picture')}`,
    `${seconds.toFixed(0)} s`,
  ].join(' · ');
}
