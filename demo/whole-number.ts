import { InvalidArgumentError } from 'commander';

/** A commander argument parser for whole numbers from `least` on. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (!Number.isSafeInteger(number) || number < least || text.trim() === '')
      throw new InvalidArgumentError(`a whole number from ${least} on is needed.`);
    return number;
  };
}
