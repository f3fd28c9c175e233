/** The lines that every kernel has to repeat: those of native/tests/fixtures. */
import { readFileSync } from 'node:fs';

export function fixtureLines(): string[] {
  return ['same_bits', 'search_bits'].flatMap((file) =>
    readFileSync(new URL(`../../../native/tests/fixtures/${file}.txt`, import.meta.url), 'utf8').split('\n'),
  );
}
