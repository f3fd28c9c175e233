/** Learning rate by progress. */
import { invalidArgument } from '../errors.ts';

export const SCHEDULES = ['constant', 'cosine'] as const;

/** constant: the rate stays; cosine: it falls to 0 along half a cosine (Loshchilov & Hutter 2017, no restarts). */
export type Schedule = (typeof SCHEDULES)[number];

/** @param step from 0 to total - 1. */
export function scheduledRate(schedule: Schedule, rate: number, step: number, total: number): number {
  switch (schedule) {
    case 'constant':
      return rate;
    case 'cosine':
      return rate * 0.5 * (1 + Math.cos((Math.PI * step) / total));
    default:
      throw invalidArgument('schedule', `one of ${SCHEDULES.join(', ')}`, schedule);
  }
}
