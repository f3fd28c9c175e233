/**
 * Sums of products by index letters, as products of matrices. Of two operands, letters of both and of the result are batch
 * axes, those of both alone are summed in the product, and those of one alone are its rows or columns.
 */
import { reshapeTo } from '../cotangent_shape.ts';
import { nodeError, requireInput, stringAttribute } from '../op_rule.ts';
import { elementCount, type Shape } from '../shape.ts';
import type { Value } from '../value.ts';
import { type Import, type ImportContext, named } from './import_context.ts';

interface Labelled {
  readonly value: Value;
  /** A letter an axis. */
  readonly labels: readonly string[];
}

interface Equation {
  readonly operands: string[][];
  readonly result: string[];
}

/** Axes that "..." stands for become letters of their own: digits, counted from the last. */
function parse(context: ImportContext): Equation {
  const text = stringAttribute(context, 'equation', '').replaceAll(' ', '');
  const [left = '', right] = text.split('->');
  const ranks = context.inputs.map((_, i) => requireInput(context, i).shape.length);
  const terms = left.split(',');
  if (terms.length !== ranks.length)
    throw nodeError(context, `equation "${text}" does not suit ${ranks.length} inputs`);
  let most = 0;
  const letters = (term: string, dots: number): string[] => {
    const [before = '', after] = term.split('...');
    if (after === undefined) return [...before];
    return [...before, ...Array.from({ length: dots }, (_, i) => `${dots - i}`), ...after];
  };
  const operands = terms.map((term, i) => {
    const dots = (ranks[i] ?? 0) - term.replace('...', '').length;
    if (dots < 0 || (dots > 0 && !term.includes('...')))
      throw nodeError(context, `equation "${text}" does not suit its inputs`);
    if (term.includes('...')) most = Math.max(most, dots);
    return letters(term, dots);
  });
  if (right !== undefined) return { operands, result: letters(right, most) };
  // Without a result: the letters that appear once, sorted, after what "..." stands for.
  const all = operands.flat();
  const once = [...new Set(all)].filter(
    (letter) => /[A-Za-z]/.test(letter) && all.indexOf(letter) === all.lastIndexOf(letter),
  );
  return { operands, result: [...letters('...', most), ...once.sort()] };
}

/** Axes in the order of the labels; those that no label names are summed. */
function arranged({ graph }: ImportContext, { value, labels }: Labelled, order: readonly string[]): Labelled {
  const gone = [...labels.keys()].filter((i) => !order.includes(labels[i] ?? ''));
  const summed = gone.length > 0 ? graph.reduceSum(value, gone, false) : value;
  const left = labels.filter((label) => order.includes(label));
  const present = order.filter((label) => left.includes(label));
  const permutation = present.map((label) => left.indexOf(label));
  return { value: graph.transpose(summed, permutation), labels: present };
}

function product(context: ImportContext, a: Labelled, b: Labelled, needed: ReadonlySet<string>): Labelled {
  const { graph } = context;
  const inB = new Set(b.labels);
  const inA = new Set(a.labels);
  const batch = a.labels.filter((label) => inB.has(label) && needed.has(label));
  const inner = a.labels.filter((label) => inB.has(label) && !needed.has(label));
  const rows = a.labels.filter((label) => !inB.has(label) && needed.has(label));
  const columns = b.labels.filter((label) => !inA.has(label) && needed.has(label));
  const left = arranged(context, a, [...batch, ...rows, ...inner]).value;
  const right = arranged(context, b, [...batch, ...inner, ...columns]).value;
  const cut = (shape: Shape, from: number, count: number): Shape => shape.slice(from, from + count);
  const [n, r, k, c] = [batch.length, rows.length, inner.length, columns.length];
  const leftRows = cut(left.shape, n, r);
  const rightColumns = cut(right.shape, n + k, c);
  const matrix = (value: Value, first: Shape, second: Shape): Value =>
    reshapeTo(graph, value, [...cut(value.shape, 0, n), elementCount(first), elementCount(second)]);
  const made = graph.matmul(
    matrix(left, leftRows, cut(left.shape, n + r, k)),
    matrix(right, cut(right.shape, n, k), rightColumns),
  );
  const value = reshapeTo(graph, made, [...made.shape.slice(0, n), ...leftRows, ...rightColumns]);
  return { value, labels: [...batch, ...rows, ...columns] };
}

const einsum: Import = (context) => {
  const { operands, result } = parse(context);
  const repeated = operands.find((labels) => new Set(labels).size !== labels.length);
  if (repeated) throw nodeError(context, `a diagonal ("${repeated.join('')}") is not supported`);
  const parts = operands.map((labels, i): Labelled => ({ value: requireInput(context, i), labels }));
  let [total, ...rest] = parts;
  if (!total) throw nodeError(context, 'has no input');
  while (rest.length > 0) {
    const [next, ...others] = rest;
    if (!next) break;
    const needed = new Set([...result, ...others.flatMap(({ labels }) => labels)]);
    total = product(context, total, next, needed);
    rest = others;
  }
  return named(context, arranged(context, total, result).value);
};

export const EINSUM_IMPORTS: Readonly<Record<string, Import>> = { Einsum: einsum };
