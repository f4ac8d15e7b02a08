/** Lines of progress on stderr, so that stdout holds the results alone. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A line that counts up in place on a terminal; elsewhere one every ten seconds. */
export function tellCount(what: string): (done: number, all: number) => void {
  let last = Date.now();
  return (done, all) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${what}: ${done} of ${all}${done >= all ? '\n' : ''}`);
    else if (Date.now() - last >= 10_000) {
      last = Date.now();
      tell(`${what}: ${done} of ${all}`);
    }
  };
}
