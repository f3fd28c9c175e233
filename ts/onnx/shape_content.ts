/**
 * Arithmetic on shapes while the graph is built: the elements of small integer tensors, with symbols, through the
 * operators that exporters chain between Shape and Reshape.
 */
import { type NodeContext, numberAttribute } from './op_rule.ts';
import { type Dim, divideDims, multiplyDims, normalizeAxis } from './shape.ts';
import type { Value } from './value.ts';

/** Elements of the node's output (rank 0 or 1); undefined when they depend on data. */
export function propagateContent(node: NodeContext): Dim[] | undefined {
  const [first] = node.inputs;
  switch (node.op) {
    case 'Shape':
      return first ? shapeContent(node, first) : undefined;
    case 'Identity':
    case 'Cast':
    case 'Squeeze':
    case 'Unsqueeze':
    case 'Reshape':
      return isInteger(first) && rankOf(node) <= 1 ? first?.content?.slice() : undefined;
    case 'Gather':
      return gather(node);
    case 'Concat':
      return concat(node);
    case 'Slice':
      return slice(node);
    case 'Mul':
      return combine(node, multiplyDims);
    case 'Add':
      return combine(node, (a, b) => (a === 0 ? b : b === 0 ? a : numeric(a, b, (x, y) => x + y)));
    case 'Sub':
      return combine(node, (a, b) => (b === 0 ? a : a === b ? 0 : numeric(a, b, (x, y) => x - y)));
    case 'Div':
      return combine(node, (a, b) => numeric(a, b, (x, y) => Math.trunc(x / y)) ?? divideDims(a, b));
    case 'Equal':
      return combine(node, (a, b) => (a === b ? 1 : comparable(a, b) ? 0 : undefined));
    case 'Where':
      return select(node);
    case 'ConstantOfShape':
      return filled(node);
    default:
      return undefined;
  }
}

function isInteger(value: Value | undefined): boolean {
  return value !== undefined && value.type !== 'float32' && value.type !== 'float64';
}

function rankOf(node: NodeContext): number {
  const [first, second] = node.inputs;
  if (node.op === 'Unsqueeze') return (first?.shape.length ?? 0) + (second?.content?.length ?? 2);
  if (node.op === 'Reshape') return second?.content?.length ?? 2;
  return first?.shape.length ?? 2;
}

function shapeContent(node: NodeContext, input: Value): Dim[] {
  const rank = input.shape.length;
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + rank : at, 0), rank);
  return input.shape.slice(clamp(numberAttribute(node, 'start', 0)), clamp(numberAttribute(node, 'end', rank)));
}

function gather(node: NodeContext): Dim[] | undefined {
  const [data, indices] = node.inputs;
  if (!data?.content || data.shape.length !== 1 || !indices?.content) return undefined;
  const result: Dim[] = [];
  for (const index of indices.content) {
    const at = typeof index === 'number' ? normalizeAxis(index, data.content.length) : undefined;
    const element = at === undefined ? undefined : data.content[at];
    if (element === undefined) return undefined;
    result.push(element);
  }
  return result;
}

function concat(node: NodeContext): Dim[] | undefined {
  const result: Dim[] = [];
  for (const input of node.inputs) {
    if (!input?.content || input.shape.length !== 1) return undefined;
    result.push(...input.content);
  }
  return result;
}

function slice(node: NodeContext): Dim[] | undefined {
  const [data, starts, ends, axes, steps] = node.inputs;
  if (!data?.content || data.shape.length !== 1 || (axes && axes.content?.[0] !== 0 && axes.content?.[0] !== -1))
    return undefined;
  const start = starts?.content?.[0];
  const end = ends?.content?.[0];
  const step = steps ? steps.content?.[0] : 1;
  if (typeof start !== 'number' || typeof end !== 'number' || step !== 1) return undefined;
  return data.content.slice(start, end);
}

function combine(node: NodeContext, operation: (a: Dim, b: Dim) => Dim | undefined): Dim[] | undefined {
  const [left, right] = node.inputs;
  if (!isInteger(left) || !isInteger(right) || !left?.content || !right?.content) return undefined;
  const length = Math.max(left.content.length, right.content.length);
  const result: Dim[] = [];
  for (let i = 0; i < length; i++) {
    const a = left.content[left.content.length === 1 ? 0 : i];
    const b = right.content[right.content.length === 1 ? 0 : i];
    const value = a === undefined || b === undefined ? undefined : operation(a, b);
    if (value === undefined) return undefined;
    result.push(value);
  }
  return result;
}

function numeric(a: Dim, b: Dim, operation: (a: number, b: number) => number): number | undefined {
  return typeof a === 'number' && typeof b === 'number' ? operation(a, b) : undefined;
}

/** Dimensions are positive, so that a symbol is known to differ from 0 and -1. */
function comparable(a: Dim, b: Dim): boolean {
  const bothNumbers = typeof a === 'number' && typeof b === 'number';
  return bothNumbers || (typeof a === 'number' && a <= 0) || (typeof b === 'number' && b <= 0);
}

function select(node: NodeContext): Dim[] | undefined {
  const [condition, whenTrue, whenFalse] = node.inputs;
  const length = condition?.content?.length;
  if (length === undefined || whenTrue?.content?.length !== length || whenFalse?.content?.length !== length)
    return undefined;
  const result: Dim[] = [];
  for (let i = 0; i < length; i++) {
    const chosen = (condition?.content?.[i] === 1 ? whenTrue : whenFalse).content?.[i];
    if (chosen === undefined) return undefined;
    result.push(chosen);
  }
  return result;
}

function filled(node: NodeContext): Dim[] | undefined {
  const length = node.inputs[0]?.content?.[0];
  const { value } = node.attributes;
  if (node.inputs[0]?.content?.length !== 1 || typeof length !== 'number' || length > 64) return undefined;
  if (typeof value !== 'object' || !('data' in value) || value.type === 'float32' || value.type === 'float64')
    return undefined;
  return new Array<Dim>(length).fill(Number(value.data[0]));
}
