/** A model as read from a file: its nodes as they stand there (any opset), and the shapes inferred for every value. */
import type { Tensor } from './tensor.ts';
import type { Attributes, ValueType } from './value.ts';

export interface ModelNode {
  readonly op: string;
  /** The node's name, or its first output's when it has none. */
  readonly name: string;
  /** '' for an absent optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Attributes;
  /** Of an If: what is done where its condition holds, and where not. What they read outside counts among the inputs. */
  readonly branches?: { readonly holds: Branch; readonly otherwise: Branch };
}

export interface Branch {
  readonly nodes: readonly ModelNode[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly outputs: readonly string[];
}

export interface ModelValue extends ValueType {
  readonly name: string;
}

export interface Model {
  /** Version of the default operator set, 7..26. */
  readonly opset: number;
  /** Initializers left out. */
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** In topological order. */
  readonly nodes: readonly ModelNode[];
  /** Whether the file computes in half precision (float16, bfloat16), which is widened to float32 here. */
  readonly widened?: boolean;
  /** Whether its input is of half precision. */
  readonly halfInput?: boolean;
  /** Whether its input is of whole numbers of 8 bits, held in float32 here. */
  readonly byteInput?: boolean;
  /** Every value that a node makes, by name. */
  readonly values: ReadonlyMap<string, ValueType>;
}
