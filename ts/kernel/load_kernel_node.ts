/**
 * Kernels in Node: the addon that `scripts/build --native` leaves in build/Release, else the prebuilt one of this machine's
 * kind, then the WebAssembly module of dist/wasm. Each is loaded once a thread and shared.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BlindspotError, invalidArgument } from '../errors.ts';
import type { Kernel } from './kernel.ts';
import { type KernelChoice, type KernelSelection, type KernelSource, selectKernel } from './load_kernel.ts';
import { createNativeKernel } from './native_kernel.ts';
import { createWasmKernel } from './wasm_kernel.ts';

/** Environment variable that decides where the caller leaves it to `auto`. */
const environmentVariable = 'BLINDSPOT_KERNEL';

const loaded = new Map<string, Promise<Kernel>>();

/** A failure is not kept: the next call tries again. */
function once(path: string, load: () => Kernel | Promise<Kernel>): Promise<Kernel> {
  const known = loaded.get(path);
  if (known !== undefined) return known;
  const kernel = Promise.resolve().then(load);
  loaded.set(path, kernel);
  kernel.catch(() => loaded.delete(path));
  return kernel;
}

function loadNative(path: string): Kernel {
  if (!existsSync(path)) throw new BlindspotError('KERNEL_UNAVAILABLE', `there is no ${path}`);
  return createNativeKernel(createRequire(import.meta.url)(path) as unknown);
}

async function loadWasm(path: string): Promise<Kernel> {
  if (!existsSync(path)) throw new BlindspotError('KERNEL_UNAVAILABLE', `there is no ${path}`);
  return await createWasmKernel(await readFile(path));
}

/** The sources run from ts/ and, compiled, from dist/ts/: the package is the nearest folder with a package.json. */
function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder);
  return folder;
}

/** Names the folder of a prebuilt addon: linux-x64-glibc, linux-arm64-musl, darwin-arm64. Any Node-API of 8 or more runs it. */
export function platformName(): string {
  const { platform, arch, report } = process;
  if (platform !== 'linux') return `${platform}-${arch}`;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string } };
  return `linux-${arch}-${header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'}`;
}

function prebuiltAddon(root: string): string | undefined {
  if (!existsSync(join(root, 'prebuilds'))) return undefined;
  const file = join(root, 'prebuilds', platformName(), 'blindspot.node');
  return existsSync(file) ? file : undefined;
}

/** Where Node finds kernels under a package folder, best first. */
export function nodeKernelSources(root: string = packageRoot()): readonly KernelSource[] {
  const built = join(root, 'build/Release/blindspot.node');
  const addon = existsSync(built) ? built : (prebuiltAddon(root) ?? built);
  const wasm = join(root, 'dist/wasm/blindspot.wasm');
  return [
    {
      name: 'native',
      remedy: `node scripts/build --native in ${root} (needs a C++20 compiler and CMake)`,
      load: () => once(addon, () => loadNative(addon)),
    },
    {
      name: 'wasm',
      remedy: `node scripts/build --wasm in ${root} (needs Emscripten and CMake)`,
      load: () => once(wasm, () => loadWasm(wasm)),
    },
  ];
}

/**
 * `auto` tries native, then wasm, unless the environment variable BLINDSPOT_KERNEL names one.
 * @throws INVALID_ARGUMENT, KERNEL_UNAVAILABLE as selectKernel does.
 */
export async function loadKernelSelection(choice: KernelChoice = 'auto'): Promise<KernelSelection> {
  return await selectKernel(nodeKernelSources(), choice === 'auto' ? choiceOfEnvironment() : choice);
}

/** The kernel that loadKernelSelection selects. */
export async function loadKernel(choice: KernelChoice = 'auto'): Promise<Kernel> {
  return (await loadKernelSelection(choice)).kernel;
}

function choiceOfEnvironment(): KernelChoice {
  const wish = process.env[environmentVariable] ?? '';
  if (wish === '' || wish === 'auto') return 'auto';
  if (wish === 'native' || wish === 'wasm') return wish;
  throw invalidArgument(`the environment variable ${environmentVariable}`, 'auto, native or wasm', wish);
}
