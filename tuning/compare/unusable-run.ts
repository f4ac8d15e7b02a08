/** A run that cannot be read, or a pair that cannot be compared; the message says what and how to mend it. Nothing was written. */
export class UnusableRun extends Error {
  readonly exitCode = 6;
}

/** A flag that says something impossible. */
export class CompareUsage extends Error {
  readonly exitCode = 2;
}
