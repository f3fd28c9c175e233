/**
 * What the engine knows of an operator: its signature, its shape rule and its vector-Jacobian product.
 *
 * For y = f(x) and a cotangent ȳ = ∂L/∂y, the vector-Jacobian product answers x̄ = ȳᵀ ∂f/∂x as nodes appended to
 * the graph. Operators are those of opset 17 (default domain).
 */
import { BlindspotError } from '../errors.ts';
import type { GraphBuilder } from './graph_builder.ts';
import { formatShape, isStatic } from './shape.ts';
import { type Tensor, tensorNumbers } from './tensor.ts';
import type { Attributes, GraphNode, Value, ValueType } from './value.ts';

export type AttributeKind = 'int' | 'float' | 'string' | 'ints' | 'floats' | 'tensor';

/** Where the emitted graph will run: decides between forms that not every execution provider has. */
export type GraphTarget = 'cpu' | 'webgpu';

/** A node whose outputs are still to be inferred. */
export interface NodeContext {
  readonly op: string;
  readonly name: string;
  readonly attributes: Attributes;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputCount: number;
}

export interface VjpContext {
  readonly graph: GraphBuilder;
  readonly node: GraphNode;
  /** The cotangent of output 0. @throws when the loss reaches the node by another output alone. */
  readonly cotangent: Value;
  /** By output; undefined where the loss does not depend on it. */
  readonly cotangents: readonly (Value | undefined)[];
  readonly target: GraphTarget;
  /** [N, 1]: how far kinks are to be rounded, an image each (ops/rounded_kinks.ts). */
  readonly smoothing: Value | undefined;
  /** Input i; fails when absent. */
  input(i: number): Value;
  /** Output i. */
  output(i: number): Value;
  /** Whether the cotangent of input i is needed: emit nothing for the others. */
  wants(i: number): boolean;
}

/** Answers the cotangents by input: undefined where not wanted, or where the derivative is zero. */
export type VectorJacobianProduct = (context: VjpContext) => (Value | undefined)[];

export interface OpRule {
  /** Least and greatest number of inputs. */
  readonly inputs: readonly [number, number];
  /** Default [1, 1]. */
  readonly outputs?: readonly [number, number];
  readonly attributes: Readonly<Record<string, AttributeKind>>;
  /** Types and shapes of the outputs. @throws INVALID_MODEL, with the node and its shapes. */
  infer(node: NodeContext): ValueType[];
  /** The single output when every input is constant, for what is worth computing once; undefined to leave it. */
  fold?(node: NodeContext, inputs: readonly Tensor[]): Tensor | undefined;
  /** 'zero': piecewise constant (comparisons, shapes). */
  readonly vjp: VectorJacobianProduct | 'zero';
  /**
   * Whether the product follows `smoothing`; 'leads': and a model that has the operator is searched with it from the start
   * (docs/adr/0010-smoothed-gradients.md).
   */
  readonly roundsKinks?: 'leads' | 'follows';
}

/** `Gemm "fc1": message (inputs [N, 784], [100, 10])` */
export function nodeError(node: NodeContext | GraphNode, message: string): BlindspotError {
  const shapes = node.inputs.map((input) => (input ? formatShape(input.shape) : '-')).join(', ');
  return new BlindspotError('INVALID_MODEL', `${node.op} "${node.name}": ${message} (inputs ${shapes})`);
}

export function requireInput(node: NodeContext | GraphNode, i: number): Value {
  const input = node.inputs[i];
  if (!input) throw nodeError(node, `input ${i} is missing`);
  return input;
}

/** The numbers of an input that must be known when the graph is built (axes, pads, …). */
export function requireConstantNumbers(node: NodeContext | GraphNode, i: number, what: string): number[] {
  const input = requireInput(node, i);
  if (input.constant) return tensorNumbers(input.constant);
  const content = input.content ?? ['unknown'];
  if (!isStatic(content)) throw nodeError(node, `${what} must be constant, but is computed from data`);
  return [...content];
}

type HasAttributes = { readonly attributes: Attributes };

export function numberAttribute(node: HasAttributes, name: string, fallback: number): number {
  const value = node.attributes[name];
  return typeof value === 'number' ? value : fallback;
}

export function stringAttribute(node: HasAttributes, name: string, fallback: string): string {
  const value = node.attributes[name];
  return typeof value === 'string' ? value : fallback;
}

export function numbersAttribute(node: HasAttributes, name: string): readonly number[] | undefined {
  const value = node.attributes[name];
  return Array.isArray(value) ? (value as readonly number[]) : undefined;
}
