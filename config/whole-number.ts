import { InvalidArgumentError } from 'commander';

/** A commander argument parser for whole numbers from `least` to `most`; anything else is a usage error that says so. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\s*[+-]?\d+\s*$/.test(text) && Number.isSafeInteger(number) && number >= least && number <= most) return number;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`a whole number ${range} is needed.`);
  };
}
