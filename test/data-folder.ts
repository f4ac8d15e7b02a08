import { existsSync } from 'node:fs';
import { describe, it } from 'vitest';

const ABSENT = 'set FUSERANK_DATA to the folder of test data';

/**
 * The folder of real catalogues, photos and behaviour at `FUSERANK_DATA`; null where there is none.
 * Throws instead when `FUSERANK_REQUIRE_DATA` is set, so that a run which must cover it cannot pass by skipping.
 */
function dataFolder(): string | null {
  const folder = process.env.FUSERANK_DATA;
  if (folder && existsSync(folder)) return folder;
  if (process.env.FUSERANK_REQUIRE_DATA) {
    throw new Error(`FUSERANK_REQUIRE_DATA is set, but ${folder ? `${folder} (FUSERANK_DATA) does not exist` : 'FUSERANK_DATA is not'}`);
  }
  return null;
}

/** A `describe` over the data folder; where there is none, one skipped test that names it, or a failed one if it is required. */
export function describeWithData(name: string, suite: (folder: string) => void): void {
  describe(name, () => {
    let folder: string | null;
    try {
      folder = dataFolder();
    } catch (error) {
      it('finds its data', () => {
        throw error;
      });
      return;
    }
    if (folder === null) it.skip(ABSENT, () => undefined);
    else suite(folder);
  });
}
