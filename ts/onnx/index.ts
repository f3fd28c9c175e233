/** ONNX graphs: build, read, infer shapes, differentiate. Runs anywhere; knows no runtime. */
export { type AttackGraphOptions, attackGraph, hasRoundedKinks, logitsGraph } from './attack_graph.ts';
export { type ClassifierDescription, describeClassifier } from './classifier.ts';
export type { ElementType, FloatType, TensorData } from './element_type.ts';
export { type GradientOptions, gradients } from './gradients.ts';
export { type AttributesInput, GraphBuilder, type GraphOutput, type NodeNames } from './graph_builder.ts';
export { SUPPORTED_OPS } from './import_node.ts';
export type { Model, ModelNode, ModelValue } from './model.ts';
export type { GraphTarget } from './op_rule.ts';
export { OP_NAMES, type OpName } from './op_table.ts';
export { type InputOptions, type NamedStatistics, withPreprocessing } from './preprocessing.ts';
export { type ClassifierOptions, readClassifier } from './read_classifier.ts';
export { type ReadOptions, readModel } from './read_model.ts';
export type { Dim, Shape } from './shape.ts';
export { type IntermediateValue, intermediateValues, sliceModel, valuesGraph } from './slice_model.ts';
export type { Tensor } from './tensor.ts';
export type { Attributes, AttributeValue, GraphNode, Value, ValueType } from './value.ts';
