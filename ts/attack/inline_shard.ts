/** The one shard of an attack without worker threads: it runs where it is called, on any platform. */
import type { ShardPlan } from './attack_on.ts';
import { runShard } from './search_loop.ts';

/** @returns seconds, from the moment when kernel and session were ready. */
export async function runShardHere(plan: ShardPlan): Promise<number> {
  const { kernel, model, board } = plan;
  await using borrowed = await model.borrowSession(plan.search.smoothable === true);
  using search = kernel.createSearch(plan.search);
  const start = performance.now();
  await runShard({
    search,
    session: borrowed.session,
    imageShape: model.description.imageShape,
    board,
    onTick: async () => {
      await plan.onTick();
      await turn();
    },
  });
  return (performance.now() - start) / 1000;
}

/** Lets everything that waits run: key strokes, timers, and in browsers the page. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
