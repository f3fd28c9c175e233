/** Operators that take or place elements by indices, by their definition; for the reference evaluator. */
import type { ModelNode } from '../model.ts';
import { at, axisIndex, count, make, type ReferenceTensor } from './reference_tensor.ts';

type Indexing = (node: ModelNode, inputs: readonly ReferenceTensor[]) => ReferenceTensor[];

const number = (node: ModelNode, name: string, fallback: number): number =>
  (node.attributes[name] as number | undefined) ?? fallback;

const adds = (node: ModelNode): boolean => node.attributes['reduction'] === 'add';

function gatherElements(node: ModelNode, [x, indices]: readonly ReferenceTensor[]): ReferenceTensor[] {
  if (!x || !indices) return [];
  const axis = axisIndex(number(node, 'axis', 0), x.shape.length);
  const place = (i: number[]): number => axisIndex(at(indices, i), x.shape[axis] ?? 1);
  return [
    make(indices.shape, (i) =>
      at(
        x,
        i.map((p, a) => (a === axis ? place(i) : p)),
      ),
    ),
  ];
}

function scatterElements(node: ModelNode, [x, indices, updates]: readonly ReferenceTensor[]): ReferenceTensor[] {
  if (!x || !indices || !updates) return [];
  const axis = axisIndex(number(node, 'axis', 0), x.shape.length);
  const result = { shape: x.shape, data: x.data.slice() };
  make(indices.shape, (i) => {
    const target = i.map((p, a) => (a === axis ? axisIndex(at(indices, i), x.shape[axis] ?? 1) : p));
    put(result, target, at(updates, i), adds(node));
    return 0;
  });
  return [result];
}

function put({ shape, data }: ReferenceTensor, index: readonly number[], value: number, add: boolean): void {
  const flat = index.reduce((sum, p, a) => sum * (shape[a] ?? 1) + p, 0);
  data[flat] = (add ? (data[flat] ?? 0) : 0) + value;
}

/** The last axis of the indices as a position in the data, after the batch axes. */
function position(x: ReferenceTensor, indices: ReferenceTensor, outer: readonly number[], batch: number): number[] {
  const depth = indices.shape.at(-1) ?? 0;
  const own = Array.from({ length: depth }, (_, d) => axisIndex(at(indices, [...outer, d]), x.shape[batch + d] ?? 1));
  return [...outer.slice(0, batch), ...own];
}

function gatherND(node: ModelNode, [x, indices]: readonly ReferenceTensor[]): ReferenceTensor[] {
  if (!x || !indices) return [];
  const batch = number(node, 'batch_dims', 0);
  const outer = indices.shape.length - 1;
  const rest = x.shape.slice(batch + (indices.shape.at(-1) ?? 0));
  return [
    make([...indices.shape.slice(0, -1), ...rest], (i) =>
      at(x, [...position(x, indices, i.slice(0, outer), batch), ...i.slice(outer)]),
    ),
  ];
}

function scatterND(node: ModelNode, [x, indices, updates]: readonly ReferenceTensor[]): ReferenceTensor[] {
  if (!x || !indices || !updates) return [];
  const outer = indices.shape.length - 1;
  const result = { shape: x.shape, data: x.data.slice() };
  make(updates.shape, (i) => {
    put(result, [...position(x, indices, i.slice(0, outer), 0), ...i.slice(outer)], at(updates, i), adds(node));
    return 0;
  });
  return [result];
}

function topK(node: ModelNode, [x, size]: readonly ReferenceTensor[]): ReferenceTensor[] {
  if (!x || !size) return [];
  const axis = axisIndex(number(node, 'axis', -1), x.shape.length);
  const sign = number(node, 'largest', 1) === 0 ? 1 : -1;
  const shape = x.shape.map((dim, a) => (a === axis ? (size.data[0] ?? 0) : dim));
  const along = (i: readonly number[], p: number): number =>
    at(
      x,
      i.map((q, a) => (a === axis ? p : q)),
    );
  const order = (i: readonly number[]): number[] =>
    [...new Array<number>(x.shape[axis] ?? 0).keys()].sort((a, b) => sign * (along(i, a) - along(i, b)) || a - b);
  const places = make(shape, (i) => order(i)[i[axis] ?? 0] ?? 0);
  const values = make(shape, (i) => along(i, at(places, i)));
  if (count(shape) === 0) throw new Error('k is 0');
  return [values, places];
}

export const INDEXING: Readonly<Record<string, Indexing>> = {
  GatherElements: gatherElements,
  GatherND: gatherND,
  ScatterElements: scatterElements,
  ScatterND: scatterND,
  TopK: topK,
};
