/** What the scale group asks of its child processes, and what they answer. */
import { z } from 'zod';

export const ScaleTask = z.discriminatedUnion('kind', [
  /** `count` images of a shape, against a network of random weights. */
  z.object({ kind: z.literal('pixels'), shape: z.array(z.number()), count: z.number() }),
  z.object({ kind: z.literal('lanes'), model: z.string(), count: z.number(), lanes: z.number() }),
  z.object({ kind: z.literal('images'), model: z.string(), count: z.number() }),
]);
export type ScaleTask = z.infer<typeof ScaleTask>;

export const ScaleAnswer = z.object({
  seconds: z.number(),
  /** Of all images. */
  evaluations: z.number(),
  kernelSeconds: z.number().optional(),
  runtimeSeconds: z.number().optional(),
  /** Resident, of the whole process. */
  peakBytes: z.number(),
});
export type ScaleAnswer = z.infer<typeof ScaleAnswer>;
