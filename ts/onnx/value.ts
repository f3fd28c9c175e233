/** What flows in a graph: values, and the nodes that make them. */
import type { ElementType } from './element_type.ts';
import type { OpName } from './op_table.ts';
import type { Dim, Shape } from './shape.ts';
import type { Tensor } from './tensor.ts';

export interface ValueType {
  readonly type: ElementType;
  readonly shape: Shape;
  /**
   * For an integer scalar or vector computed from shapes: its elements, row-major, as far as they are known
   * symbolically. This is what lets Shape → Gather → Concat → Reshape be resolved while the graph is built.
   */
  readonly content?: readonly Dim[];
}

/** An edge of the graph. Belongs to the builder that made it; identity matters, not the name. */
export interface Value extends ValueType {
  readonly name: string;
  /** The data, when the value is an initializer. */
  readonly constant?: Tensor;
}

export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface GraphNode {
  readonly op: OpName;
  readonly name: string;
  /** Absent optional inputs are undefined. */
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
  readonly attributes: Attributes;
}
