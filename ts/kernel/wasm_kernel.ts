/**
 * The WebAssembly module as a kernel. All handles of one module share its memory. A handle that is forgotten is freed
 * when the garbage collector finds it; after dispose() its views lie over memory that others may use.
 */
import {
  MINIMIZER_OPTIONS_FIELDS,
  MINIMIZER_RESULT_FIELDS,
  SEARCH_OPTIONS_FIELDS,
  SEARCH_RESULT_FIELDS,
  Status,
} from './abi.generated.ts';
import type { KernelBackend, MinimizerBackend, Refusal, SearchBackend } from './backend.ts';
import { BackendKernel } from './backend_kernel.ts';
import type { Kernel } from './kernel.ts';
import { HeapArray, instantiateWasm, readString, type WasmExports, type WasmSource } from './wasm_loader.ts';

const nAt = MINIMIZER_OPTIONS_FIELDS.indexOf('n');
const precisionAt = MINIMIZER_OPTIONS_FIELDS.indexOf('precision');
const pixelsAt = SEARCH_OPTIONS_FIELDS.indexOf('n');
const classesAt = SEARCH_OPTIONS_FIELDS.indexOf('classes');
const lanesAt = SEARCH_OPTIONS_FIELDS.indexOf('lanes');

/** @throws KERNEL_UNAVAILABLE with the cause. */
export async function createWasmKernel(source: WasmSource): Promise<Kernel> {
  return new BackendKernel(new WasmBackend(await instantiateWasm(source)));
}

/** Memory of a handle and of the result struct beside it; free is the handle's own function. */
interface Allocation {
  readonly handle: number;
  readonly result: number;
  readonly freeHandle: (handle: number) => void;
  readonly free: (pointer: number) => void;
}

function release({ handle, result, freeHandle, free }: Allocation): void {
  freeHandle(handle);
  free(result);
}

const forgotten = new FinalizationRegistry<Allocation>(release);

class WasmBackend implements KernelBackend {
  readonly name = 'wasm';
  readonly #wasm: WasmExports;

  constructor(wasm: WasmExports) {
    this.#wasm = wasm;
  }

  instructionSet(): string {
    return readString(this.#wasm.memory, this.#wasm.bs_instruction_set());
  }

  useInstructionSet(name: string): Status {
    const bytes = new TextEncoder().encode(name);
    const pointer = this.#wasm.malloc(bytes.length + 1);
    if (pointer === 0) return Status.ERROR_ALLOCATION;
    const text = new Uint8Array(this.#wasm.memory.buffer, pointer >>> 0, bytes.length + 1);
    text.set(bytes);
    text[bytes.length] = 0;
    const status = this.#wasm.bs_use_instruction_set(pointer);
    this.#wasm.free(pointer);
    return status as Status;
  }

  lastOption(): string {
    return readString(this.#wasm.memory, this.#wasm.bs_last_option());
  }

  createMinimizer(options: Float64Array): MinimizerBackend | Refusal {
    const { bs_minimizer_create, bs_minimizer_free } = this.#wasm;
    const created = this.#create(options, MINIMIZER_RESULT_FIELDS.length, bs_minimizer_create, bs_minimizer_free);
    return typeof created === 'number' ? created : new WasmMinimizer(this.#wasm, created, options);
  }

  createSearch(options: Float64Array): SearchBackend | Refusal {
    const { bs_search_create, bs_search_free } = this.#wasm;
    const created = this.#create(options, SEARCH_RESULT_FIELDS.length, bs_search_create, bs_search_free);
    return typeof created === 'number' ? created : new WasmSearch(this.#wasm, created, options);
  }

  searchBytes(options: Float64Array): number {
    const pointer = this.#wasm.malloc(options.byteLength);
    if (pointer === 0) return Number.NaN;
    this.#write(options, pointer);
    const bytes = this.#wasm.bs_search_bytes(pointer);
    this.#wasm.free(pointer);
    return bytes;
  }

  #create(
    options: Float64Array,
    resultFields: number,
    create: (options: number, out: number) => number,
    freeHandle: (handle: number) => void,
  ): Allocation | Refusal {
    const { malloc, free, memory } = this.#wasm;
    const scratch = malloc(options.byteLength + Float64Array.BYTES_PER_ELEMENT);
    const result = malloc(resultFields * Float64Array.BYTES_PER_ELEMENT);
    let status: Status = Status.ERROR_ALLOCATION;
    let handle = 0;
    if (scratch !== 0 && result !== 0) {
      this.#write(options, scratch);
      const out = scratch + options.byteLength;
      status = create(scratch, out) as Status;
      handle = new DataView(memory.buffer).getUint32(out >>> 0, true);
    }
    free(scratch);
    if (status !== Status.OK) {
      free(result);
      return status;
    }
    new Float64Array(memory.buffer, result >>> 0, resultFields).fill(0);
    return { handle, result, freeHandle, free };
  }

  #write(numbers: Float64Array, pointer: number): void {
    new Float64Array(this.#wasm.memory.buffer, pointer >>> 0, numbers.length).set(numbers);
  }
}

/** Frees its allocation once, at free() or when it is forgotten. */
class WasmHandle {
  protected readonly wasm: WasmExports;
  protected readonly handle: number;
  protected readonly resultPointer: number;
  readonly #allocation: Allocation;

  constructor(wasm: WasmExports, allocation: Allocation) {
    this.wasm = wasm;
    this.handle = allocation.handle;
    this.resultPointer = allocation.result;
    this.#allocation = allocation;
    forgotten.register(this, allocation, this);
  }

  free(): void {
    forgotten.unregister(this);
    release(this.#allocation);
  }
}

class WasmMinimizer extends WasmHandle implements MinimizerBackend {
  readonly #x: HeapArray<Float64Array | Float32Array>;
  readonly #gradient: HeapArray<Float64Array | Float32Array>;
  readonly #lower: HeapArray<Float64Array | Float32Array>;
  readonly #upper: HeapArray<Float64Array | Float32Array>;
  readonly #result: HeapArray<Float64Array>;

  constructor(wasm: WasmExports, allocation: Allocation, options: Float64Array) {
    super(wasm, allocation);
    const { memory } = wasm;
    const { handle } = allocation;
    const n = options[nAt] ?? 0;
    const type = options[precisionAt] === 32 ? Float32Array : Float64Array;
    this.#x = new HeapArray<Float64Array | Float32Array>(type, memory, wasm.bs_minimizer_x(handle), n, this);
    this.#gradient = new HeapArray<Float64Array | Float32Array>(
      type,
      memory,
      wasm.bs_minimizer_gradient(handle),
      n,
      this,
    );
    this.#lower = new HeapArray<Float64Array | Float32Array>(type, memory, wasm.bs_minimizer_lower(handle), n, this);
    this.#upper = new HeapArray<Float64Array | Float32Array>(type, memory, wasm.bs_minimizer_upper(handle), n, this);
    this.#result = new HeapArray(Float64Array, memory, allocation.result, MINIMIZER_RESULT_FIELDS.length, this);
    wasm.bs_minimizer_get_result(handle, allocation.result);
  }

  get x(): Float64Array | Float32Array {
    return this.#x.view;
  }

  get gradient(): Float64Array | Float32Array {
    return this.#gradient.view;
  }

  get lower(): Float64Array | Float32Array {
    return this.#lower.view;
  }

  get upper(): Float64Array | Float32Array {
    return this.#upper.view;
  }

  get result(): Float64Array {
    return this.#result.view;
  }

  start(): Status {
    const status = this.wasm.bs_minimizer_start(this.handle) as Status;
    this.wasm.bs_minimizer_get_result(this.handle, this.resultPointer);
    return status;
  }

  tell(f: number): Status {
    const status = this.wasm.bs_minimizer_tell(this.handle, f) as Status;
    this.wasm.bs_minimizer_get_result(this.handle, this.resultPointer);
    return status;
  }
}

class WasmSearch extends WasmHandle implements SearchBackend {
  readonly #points: HeapArray<Float32Array>;
  readonly #oneHot: HeapArray<Float32Array>;
  readonly #sign: HeapArray<Float32Array>;
  readonly #temperature: HeapArray<Float32Array>;
  readonly #smoothing: HeapArray<Float32Array>;
  readonly #logits: HeapArray<Float32Array>;
  readonly #gradients: HeapArray<Float32Array>;
  readonly #image: HeapArray<Float32Array>;
  readonly #start: HeapArray<Float32Array>;
  readonly #example: HeapArray<Float32Array>;
  readonly #result: HeapArray<Float64Array>;

  constructor(wasm: WasmExports, allocation: Allocation, options: Float64Array) {
    super(wasm, allocation);
    const { handle } = allocation;
    const n = options[pixelsAt] ?? 0;
    const classes = options[classesAt] ?? 0;
    const lanes = options[lanesAt] ?? 0;
    const floats = (pointer: number, length: number) => new HeapArray(Float32Array, wasm.memory, pointer, length, this);
    this.#points = floats(wasm.bs_search_points(handle), lanes * n);
    this.#oneHot = floats(wasm.bs_search_one_hot(handle), lanes * classes);
    this.#sign = floats(wasm.bs_search_sign(handle), lanes);
    this.#temperature = floats(wasm.bs_search_temperature(handle), lanes);
    this.#smoothing = floats(wasm.bs_search_smoothing(handle), lanes);
    this.#logits = floats(wasm.bs_search_logits(handle), lanes * classes);
    this.#gradients = floats(wasm.bs_search_gradients(handle), lanes * n);
    this.#image = floats(wasm.bs_search_image(handle), n);
    this.#start = floats(wasm.bs_search_start(handle), n);
    this.#example = floats(wasm.bs_search_example(handle), n);
    this.#result = new HeapArray(Float64Array, wasm.memory, allocation.result, SEARCH_RESULT_FIELDS.length, this);
  }

  get points(): Float32Array {
    return this.#points.view;
  }

  get oneHot(): Float32Array {
    return this.#oneHot.view;
  }

  get sign(): Float32Array {
    return this.#sign.view;
  }

  get temperature(): Float32Array {
    return this.#temperature.view;
  }

  get smoothing(): Float32Array {
    return this.#smoothing.view;
  }

  get logits(): Float32Array {
    return this.#logits.view;
  }

  get gradients(): Float32Array {
    return this.#gradients.view;
  }

  get image(): Float32Array {
    return this.#image.view;
  }

  get start(): Float32Array {
    return this.#start.view;
  }

  get example(): Float32Array {
    return this.#example.view;
  }

  get result(): Float64Array {
    return this.#result.view;
  }

  submit(id: number, label: number, target: number): Status {
    return this.wasm.bs_search_submit(this.handle, id, label, target) as Status;
  }

  freeLanes(): number {
    return this.wasm.bs_search_free_lanes(this.handle);
  }

  ask(): number {
    return this.wasm.bs_search_ask(this.handle);
  }

  tell(): Status {
    return this.wasm.bs_search_tell(this.handle) as Status;
  }

  take(): number {
    return this.wasm.bs_search_take(this.handle, this.resultPointer);
  }
}
