/**
 * Loads the bare WebAssembly module (bindings/wasm), in Node and in browsers alike: no generated glue. The module is a
 * WASI reactor with two imports, of which proc_exit is reached only by a failed assertion of the C library.
 *
 * Memory may grow at any create; its ArrayBuffer is then detached and every view over it has length 0. So nothing here
 * keeps a view: HeapArray makes a new one whenever the buffer has changed.
 */
import { BlindspotError } from '../errors.ts';
import { ABI_FUNCTION_NAMES, type AbiFunctions } from './abi.generated.ts';

/** The module itself, its bytes, or where to fetch them. */
export type WasmSource = WebAssembly.Module | BufferSource | URL | string;

interface AllocatorExports {
  readonly memory: WebAssembly.Memory;
  /** Constructors of static objects; once, before any other function. */
  _initialize(): void;
  /** A byte offset, 0 when memory is full. */
  malloc(bytes: number): number;
  free(pointer: number): void;
}

export type WasmExports = AllocatorExports & AbiFunctions;

/** @throws KERNEL_UNAVAILABLE with the cause: not fetched, not WebAssembly, no SIMD, or built from other sources. */
export async function instantiateWasm(source: WasmSource): Promise<WasmExports> {
  const module = await compile(source);
  const imports = {
    env: { emscripten_notify_memory_growth: () => undefined },
    wasi_snapshot_preview1: {
      proc_exit: (code: number) => {
        throw new Error(`the WebAssembly kernel ended itself with code ${code}`);
      },
    },
  };
  let instance: WebAssembly.Instance;
  try {
    instance = await WebAssembly.instantiate(module, imports);
  } catch (cause) {
    throw new BlindspotError('KERNEL_UNAVAILABLE', `the WebAssembly module cannot start: ${String(cause)}`, { cause });
  }
  const { exports } = instance;
  if (!isKernelExports(exports)) {
    throw new BlindspotError(
      'KERNEL_UNAVAILABLE',
      'the WebAssembly module lacks functions: it was built from other sources',
    );
  }
  exports._initialize();
  return exports;
}

async function compile(source: WasmSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  const bytes = typeof source === 'string' || source instanceof URL ? await fetchBytes(source) : source;
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const message = `this is not a WebAssembly module with SIMD128 that the engine accepts: ${String(cause)}`;
    throw new BlindspotError('KERNEL_UNAVAILABLE', message, { cause });
  }
}

async function fetchBytes(url: URL | string): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new BlindspotError('KERNEL_UNAVAILABLE', `cannot fetch ${url}: ${String(cause)}`, { cause });
  }
  if (!response.ok) {
    throw new BlindspotError('KERNEL_UNAVAILABLE', `cannot fetch ${url}: ${response.status} ${response.statusText}`);
  }
  return await response.arrayBuffer();
}

function isKernelExports(exports: object): exports is WasmExports {
  const members = exports as Readonly<Record<string, unknown>>;
  const needed = ['_initialize', 'malloc', 'free', ...ABI_FUNCTION_NAMES];
  return members.memory instanceof WebAssembly.Memory && needed.every((name) => typeof members[name] === 'function');
}

/** Bytes from pointer up to the terminating zero, which are ASCII in this interface. */
export function readString(memory: WebAssembly.Memory, pointer: number): string {
  const bytes = new Uint8Array(memory.buffer, pointer >>> 0);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/**
 * Owners of the views handed out. A handle is freed once it is unreachable; a view keeps its handle reachable, so a
 * view that is still held never lies over memory that was given away.
 */
const owners = new WeakMap<Float64Array | Float32Array, object>();

type FloatArray = Float64Array | Float32Array;
interface FloatArrayConstructor<A extends FloatArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): A;
}

/** `length` numbers at a fixed byte offset of a memory that may grow. */
export class HeapArray<A extends FloatArray> {
  readonly #type: FloatArrayConstructor<A>;
  readonly #memory: WebAssembly.Memory;
  readonly #offset: number;
  readonly #length: number;
  readonly #owner: object;
  #view: A;

  /** @param pointer as the module answers it: a signed 32-bit number for offsets beyond 2 GiB. */
  constructor(
    type: FloatArrayConstructor<A>,
    memory: WebAssembly.Memory,
    pointer: number,
    length: number,
    owner: object,
  ) {
    this.#type = type;
    this.#memory = memory;
    this.#offset = pointer >>> 0;
    this.#length = length;
    this.#owner = owner;
    this.#view = this.#create();
  }

  get view(): A {
    if (this.#view.buffer !== this.#memory.buffer) this.#view = this.#create();
    return this.#view;
  }

  #create(): A {
    const view = new this.#type(this.#memory.buffer, this.#offset, this.#length);
    owners.set(view, this.#owner);
    return view;
  }
}
