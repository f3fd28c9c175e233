/** The full run, and one that goes through all the code in little time. */
import type { StudySettings } from './study.ts';

export const DEFAULT_IMAGES = 256;

export interface ProfileChoice {
  readonly quick: boolean;
  readonly seed: number;
  /** Default 256, as the paper probably took; 24 when quick. */
  readonly images?: number | undefined;
}

export function studySettings({ quick, seed, images }: ProfileChoice): StudySettings {
  if (!quick) return { profile: 'full', seed, images: images ?? DEFAULT_IMAGES, trainingSeeds: 3 };
  return {
    profile: 'quick',
    seed,
    images: images ?? 24,
    trainCount: 2000,
    testCount: 500,
    epochs: 2,
    trainingSeeds: 1,
  };
}
