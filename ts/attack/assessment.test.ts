import { describe, expect, test } from 'vitest';
import { LaneStatus } from '../kernel/abi.generated.ts';
import { CopyScorer } from '../model/scorer.ts';
import { logitsGraph } from '../onnx/attack_graph.ts';
import { readModel } from '../onnx/read_model.ts';
import { createSession } from '../runtime/node_session.ts';
import { Assessment } from './assessment.ts';
import { Judge } from './judge.ts';
import { ShardBoard } from './shard_board.ts';
import { CLASSES, linearImages, linearModel, PIXELS } from './testing/linear_classifier.ts';

const COUNT = 10;
const ROWS = 4;
const WRONG = 1;
const set = linearImages(COUNT, WRONG);
const imageOf = (index: number) => set.images.subarray(index * PIXELS, (index + 1) * PIXELS);

interface Stage {
  readonly assessment: Assessment;
  /** Delivers another image's pixels, of another class, as what was found. */
  readonly deliver: (...indices: number[]) => void;
  /** Images of each batch judged so far. */
  readonly judged: number[][];
}

async function onStage(play: (stage: Stage) => Promise<void>): Promise<void> {
  await using session = await createSession(logitsGraph(readModel(linearModel())));
  const judge = new Judge(new CopyScorer(session), CLASSES, ROWS);
  const clean = await judge.classify({ pixels: set.images, shape: set.shape, labels: set.labels });
  const queue = Int32Array.from(set.labels.keys()).subarray(WRONG);
  const targets = new Int32Array(COUNT).fill(-1);
  const board = ShardBoard.create({ n: PIXELS, images: set.images, labels: set.labels, targets, queue }, false);
  const judged: number[][] = [];
  const judgeRows = judge.judge.bind(judge);
  judge.judge = (images, indices) => {
    judged.push([...indices]);
    return judgeRows(images, indices);
  };
  const deliver = (...indices: number[]): void => {
    for (const id of indices) {
      const other = set.labels.findIndex((label, index) => index >= WRONG && label !== set.labels[id]);
      const search = { status: LaneStatus.CONVERGED, distance: 1, evaluations: 7, kktResidual: 0, starts: 1, slope: 1 };
      board.deliver({ id, example: imageOf(other), ...search });
    }
  };
  await play({ assessment: new Assessment(judge, { set, clean, targets, board }), deliver, judged });
}

describe('the assessment of what is delivered', () => {
  test('judges batches of neighbours, in order, once all of their images are done', () =>
    onStage(async ({ assessment, deliver, judged }) => {
      await assessment.advance();
      expect(judged).toEqual([]);
      deliver(4, 5, 6, 7, 1, 3);
      await assessment.advance();
      expect(judged).toEqual([]);
      deliver(2);
      await assessment.advance();
      expect(judged).toEqual([
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ]);
      deliver(8, 9);
      await assessment.advance();
      await assessment.advance();
      expect(judged.slice(2)).toEqual([[8, 9]]);
    }));

  test('gives an example for each image, whenever its batch was judged', () =>
    onStage(async ({ assessment, deliver }) => {
      deliver(1, 2, 3);
      await assessment.advance();
      deliver(4, 5, 6, 7, 8, 9);
      const examples = await assessment.finish();
      expect(examples.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(examples[0]).toMatchObject({ status: 'already-misclassified', l2: 0 });
      for (const { success, evaluations, prediction, label } of examples.slice(WRONG)) {
        expect({ success, evaluations }).toEqual({ success: true, evaluations: 7 });
        expect(prediction).not.toBe(label);
      }
    }));

  test('leaves out what was not reached', () =>
    onStage(async ({ assessment, deliver, judged }) => {
      deliver(2, 3, 9);
      const examples = await assessment.finish();
      expect(examples.map(({ index }) => index)).toEqual([0, 2, 3, 9]);
      expect(judged).toEqual([[0, 2, 3], [], [9]]);
    }));
});
