/** ONNX graphs: build, read, infer shapes, differentiate. Runs anywhere; knows no runtime. */
export type { ElementType, FloatType, TensorData } from './element_type.ts';
export { type GradientOptions, gradients } from './gradients.ts';
export { type AttributesInput, GraphBuilder, type GraphOutput, type NodeNames } from './graph_builder.ts';
export type { GraphTarget } from './op_rule.ts';
export { OP_NAMES, type OpName } from './op_table.ts';
export type { Dim, Shape } from './shape.ts';
export type { Tensor } from './tensor.ts';
export type { Attributes, AttributeValue, GraphNode, Value, ValueType } from './value.ts';
