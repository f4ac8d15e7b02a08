/** The public exit codes of a command that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** Ends a run in order at the first signal, the process at the second. */
export interface Interruption {
  /** Aborts at the first. */
  readonly signal: AbortSignal;
  /** Exit code of a run that was ended so. */
  exitCode(): number;
  /** Leaves later signals to whoever comes next. */
  forget(): void;
}

/**
 * @param told what a person is told at the first signal
 * @param signals that end the run
 */
export function awaitInterruption(told: string, signals: readonly (keyof typeof EXIT_CODES)[] = ['SIGINT', 'SIGTERM']): Interruption {
  const stop = new AbortController();
  let exitCode: number = EXIT_CODES.SIGINT;
  const interrupt = (name: NodeJS.Signals): void => {
    exitCode = name === 'SIGTERM' ? EXIT_CODES.SIGTERM : EXIT_CODES.SIGINT;
    if (stop.signal.aborted) process.exit(exitCode);
    process.stderr.write(`${told}\n`);
    stop.abort();
  };
  for (const name of signals) process.on(name, interrupt);
  return {
    signal: stop.signal,
    exitCode: () => exitCode,
    forget: () => {
      for (const name of signals) process.off(name, interrupt);
    },
  };
}
