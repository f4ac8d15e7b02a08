const LOG_EVERY_MS = 10_000;
/** A terminal is drawn on so often at most. */
const DRAW_EVERY_MS = 200;

/** On a terminal a line on stderr that renews itself and stays at its end; elsewhere a line now and then; nothing when quiet. */
export function showProgress<Progress>(options: { quiet: boolean; describe: (progress: Progress) => string }): {
  update: (progress: Progress) => void;
  end: () => void;
} {
  const terminal = process.stderr.isTTY;
  let last = performance.now();
  let latest: string | null = null;
  return {
    update: (progress) => {
      if (options.quiet) return;
      latest = options.describe(progress);
      if (performance.now() - last < (terminal ? DRAW_EVERY_MS : LOG_EVERY_MS)) return;
      last = performance.now();
      process.stderr.write(terminal ? `\r${latest}` : `${latest}\n`);
    },
    end: () => {
      if (terminal && latest !== null) process.stderr.write(`\r${latest}\n`);
    },
  };
}
