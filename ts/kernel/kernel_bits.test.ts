import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadKernel } from './load_kernel_node.ts';
import { kernelBits } from './testing/kernel_bits.ts';

describe.each(['native', 'wasm'] as const)('the bits of the %s kernel', (name) => {
  it('are those of the fixtures', async () => {
    const fixtures = ['same_bits', 'search_bits'].flatMap((file) =>
      readFileSync(new URL(`../../native/tests/fixtures/${file}.txt`, import.meta.url), 'utf8').split('\n'),
    );
    const lines = kernelBits(await loadKernel(name));
    expect(lines).toHaveLength(56);
    for (const line of lines) expect(fixtures).toContain(line);
  });
});
