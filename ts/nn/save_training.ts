/** Trained models and checkpoints as files. */
import { access } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomically } from '../data/atomic_write.ts';
import { readUserFile } from '../data/read_file.ts';
import type { CheckpointStore } from './checkpoint.ts';
import type { TrainedModel } from './train_classifier.ts';

/**
 * Writes model.onnx and training.json.
 * @throws OUTPUT_NOT_WRITABLE.
 */
export async function saveTraining(folder: string, trained: TrainedModel): Promise<void> {
  await writeFileAtomically(path.join(folder, 'model.onnx'), trained.bytes);
  await writeFileAtomically(path.join(folder, 'training.json'), `${JSON.stringify(trained.record, undefined, 2)}\n`);
}

/** Checkpoints in a folder, STAGE.checkpoint.npz, each written whole or not at all. */
export function folderCheckpoint(folder: string): CheckpointStore {
  const file = (stage: string) => path.join(folder, `${stage}.checkpoint.npz`);
  return {
    load: async (stage) => {
      const there = await access(file(stage)).then(
        () => true,
        () => false,
      );
      return there ? readUserFile(file(stage), 'checkpoint') : undefined;
    },
    save: (stage, bytes) => writeFileAtomically(file(stage), bytes),
  };
}
