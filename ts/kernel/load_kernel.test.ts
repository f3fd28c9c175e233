import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Kernel } from './kernel.ts';
import { type KernelChoice, type KernelSource, selectKernel } from './load_kernel.ts';
import { loadKernel, loadKernelSelection, nodeKernelSources } from './load_kernel_node.ts';
import { loadKernel as loadWebKernel } from './load_kernel_web.ts';
import { createNativeKernel } from './native_kernel.ts';
import { createWasmKernel } from './wasm_kernel.ts';

const stands = (name: 'native' | 'wasm'): KernelSource => ({
  name,
  remedy: `build ${name}`,
  load: () => Promise.resolve({ name } as Kernel),
});
const fails = (name: 'native' | 'wasm', message: string): KernelSource => ({
  name,
  remedy: `build ${name}`,
  load: () => Promise.reject(new Error(message)),
});

afterEach(() => vi.unstubAllEnvs());

describe('selectKernel', () => {
  it('takes the first that loads, and says so', async () => {
    const { kernel, reason, failures } = await selectKernel([stands('native'), stands('wasm')], 'auto');
    expect(kernel.name).toBe('native');
    expect(reason).toBe('native: the first that auto tries');
    expect(failures).toEqual([]);
  });

  it('falls back from auto, and keeps the cause', async () => {
    const { kernel, reason, failures } = await selectKernel([fails('native', 'no addon'), stands('wasm')], 'auto');
    expect(kernel.name).toBe('wasm');
    expect(reason).toBe('wasm: native did not load (no addon)');
    expect(failures).toEqual([{ name: 'native', cause: new Error('no addon'), remedy: 'build native' }]);
  });

  it('never falls back from an explicit choice', async () => {
    const selection = selectKernel([fails('native', 'no addon'), stands('wasm')], 'native');
    await expect(selection).rejects.toThrow(
      'The native kernel could not be loaded.\n  native: no addon; to fix: build native',
    );
    await expect(selection).rejects.toMatchObject({ code: 'KERNEL_UNAVAILABLE' });
  });

  it('lists every cause with what mends it when nothing loads', async () => {
    const selection = selectKernel([fails('native', 'no addon'), fails('wasm', 'no SIMD')], 'auto');
    await expect(selection).rejects.toThrow(
      'No kernel could be loaded.\n  native: no addon; to fix: build native\n  wasm: no SIMD; to fix: build wasm',
    );
    await expect(selection).rejects.toHaveProperty('cause.errors', [new Error('no addon'), new Error('no SIMD')]);
  });

  it('names the choices to an unknown one', async () => {
    await expect(selectKernel([stands('native'), stands('wasm')], 'cuda' as KernelChoice)).rejects.toThrow(
      'Expected auto, native or wasm for kernel but received "cuda" of type string',
    );
  });
});

describe('loadKernel in Node', () => {
  it.each(['native', 'wasm'] as const)('loads the %s kernel, the same one each time', async (name) => {
    const kernel = await loadKernel(name);
    expect(kernel.name).toBe(name);
    expect(await loadKernel(name)).toBe(kernel);
    expect((await loadKernelSelection(name)).reason).toBe(`${name}: asked for`);
  });

  it('prefers the native kernel', async () => {
    vi.stubEnv('BLINDSPOT_KERNEL', '');
    expect((await loadKernel()).name).toBe('native');
  });

  it('lets BLINDSPOT_KERNEL decide for auto, not over the native kernel asked for', async () => {
    vi.stubEnv('BLINDSPOT_KERNEL', 'wasm');
    expect((await loadKernel('auto')).name).toBe('wasm');
    expect((await loadKernel('native')).name).toBe('native');
    vi.stubEnv('BLINDSPOT_KERNEL', 'fortran');
    await expect(loadKernel()).rejects.toThrow(
      'Expected auto, native or wasm for the environment variable BLINDSPOT_KERNEL but received "fortran"',
    );
  });

  it('says which files it misses and how to build them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blindspot-'));
    try {
      const selection = selectKernel(nodeKernelSources(folder), 'auto');
      await expect(selection).rejects.toThrow(`native: there is no ${join(folder, 'build/Release/blindspot.node')}`);
      await expect(selection).rejects.toThrow(`node scripts/build --wasm in ${folder}`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('falls back to wasm from an addon that the system refuses', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blindspot-'));
    try {
      await mkdir(join(folder, 'build/Release'), { recursive: true });
      await writeFile(join(folder, 'build/Release/blindspot.node'), 'no shared object');
      const [broken] = nodeKernelSources(folder);
      const [, wasm] = nodeKernelSources();
      if (broken === undefined || wasm === undefined) throw new Error('two sources are expected');
      const { kernel, failures } = await selectKernel([broken, wasm], 'auto');
      expect(kernel.name).toBe('wasm');
      expect(failures[0]?.cause).toHaveProperty('code', 'ERR_DLOPEN_FAILED');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('what is no kernel', () => {
  it('is refused as an addon', () => {
    expect(() => createNativeKernel({ instructionSet: () => 'sse2' })).toThrow(
      expect.objectContaining({ code: 'KERNEL_UNAVAILABLE' }),
    );
  });

  it.each([
    ['text', new TextEncoder().encode('not WebAssembly'), 'not a WebAssembly module'],
    // "\0asm", version 1, no section.
    ['an empty module', new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]), 'lacks functions'],
    ['an address that answers nothing', new URL('data:nonsense'), 'cannot fetch data:nonsense'],
  ])('is refused as WebAssembly: %s', async (_what, source, message) => {
    await expect(createWasmKernel(source)).rejects.toMatchObject({
      code: 'KERNEL_UNAVAILABLE',
      message: expect.stringContaining(message),
    });
  });
});

describe('loadKernel in browsers', () => {
  it('has no native kernel, and says what there is', async () => {
    await expect(loadWebKernel('native')).rejects.toThrow('Expected auto or wasm for kernel but received "native"');
  });

  it('says what to pass when the module is not where it should be', async () => {
    await expect(loadWebKernel('auto', { wasm: 'data:nonsense' })).rejects.toThrow(
      'to fix: pass { wasm: the address of blindspot.wasm }',
    );
  });
});
