/** The refusal of an operator: which, where, why where that is known, what there is instead, and what to do. */
import { BlindspotError } from '../errors.ts';
import { SUPPORTED_OPS } from './import_node.ts';

/** At most so many similar operators are named. */
const MOST_NAMED = 4;

/** What is known of operators that classifiers come with. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^ai\.onnx\.ml\.TreeEnsemble/, 'trees answer by steps, which have no gradient to follow'],
  [
    /^ai\.onnx\.ml\.SVM/,
    'of scikit-learn, linear models and networks (LinearSVC, LogisticRegression, MLPClassifier) are',
  ],
  [/^(NonMaxSuppression|RoiAlign|MaxRoiPool)$/, 'it belongs to a detector, whose answer is no single class'],
  [/^(Loop|Scan)$/, 'export the model with a fixed length, so that they are unrolled'],
  [/^(Random|Bernoulli|Multinomial)/, 'it draws random numbers; export the model for inference'],
  [/^(Sequence|SplitToSequence|ConcatFromSequence|Optional)/, 'export the model with tensors in place of sequences'],
  [/(String|TfIdf|Tokenizer|LabelEncoder|CategoryMapper|DictVectorizer)/, 'it works on words, not on numbers'],
];

/** Words of a name in camel case, of its last part. */
function words(op: string): string[] {
  const name = op.slice(op.lastIndexOf('.') + 1);
  return (name.match(/[A-Z]+(?![a-z])|[A-Z][a-z]+/g) ?? []).filter((word) => word.length > 2);
}

/** Supported operators that share words with the name, those that share most first. */
function similar(op: string): string[] {
  const wanted = new Set(words(op));
  return SUPPORTED_OPS.map((name) => ({ name, shared: words(name).filter((word) => wanted.has(word)).length }))
    .filter(({ shared }) => shared > 0)
    .sort((a, b) => b.shared - a.shared || a.name.length - b.name.length)
    .slice(0, MOST_NAMED)
    .map(({ name }) => name);
}

export function unsupportedOperator(op: string, node: string): BlindspotError {
  const reason = REASONS.find(([pattern]) => pattern.test(op))?.[1];
  const near = reason === undefined ? similar(op) : [];
  const known =
    reason ?? (near.length > 0 ? `like it, ${near.join(', ')} ${near.length > 1 ? 'are' : 'is'}` : undefined);
  return new BlindspotError(
    'UNSUPPORTED_OP',
    `Operator ${op} (node "${node}") is not supported${known ? `: ${known}` : ''}; if the scores come before it, name them with --output (option output)`,
  );
}
