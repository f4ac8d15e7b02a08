import type { IndexProgress } from './index-report.js';
import { describeRated } from './quantity.js';

interface Terminal {
  isTTY?: boolean;
  write(text: string): unknown;
}

const LOG_EVERY_SECONDS = 10;
const CLEAR_LINE = '\r\x1b[2K';

/** One line that is drawn over again on a terminal; a log line each ten seconds elsewhere. */
export function showProgress(
  terminal: Terminal,
  options: { quiet: boolean },
): { update: (progress: IndexProgress) => void; end: () => void } {
  const live = terminal.isTTY === true;
  let lastLog = 0;
  return {
    update(progress) {
      if (options.quiet) return;
      if (live) terminal.write(`${CLEAR_LINE}${describeProgress(progress)}`);
      else if (progress.seconds - lastLog >= LOG_EVERY_SECONDS) {
        lastLog = progress.seconds;
        terminal.write(`${describeProgress(progress)}\n`);
      }
    },
    end() {
      if (!options.quiet && live) terminal.write(CLEAR_LINE);
    },
  };
}

function describeProgress({ rows, written, unchanged, rejected, texts, pictures, seconds }: IndexProgress): string {
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
