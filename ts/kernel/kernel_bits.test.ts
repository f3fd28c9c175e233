import { describe, expect, it } from 'vitest';
import { loadKernel } from './load_kernel_node.ts';
import { fixtureLines } from './testing/fixture_lines.ts';
import { kernelBits } from './testing/kernel_bits.ts';

describe.each(['native', 'wasm'] as const)('the bits of the %s kernel', (name) => {
  it('are those of the fixtures', async () => {
    const lines = kernelBits(await loadKernel(name));
    expect(lines).toHaveLength(56);
    expect(fixtureLines()).toEqual(expect.arrayContaining(lines));
  });
});
