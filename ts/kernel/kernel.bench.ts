/** What a call across each binding costs: problems so small that the core's own work is next to nothing. */
import { bench, describe } from 'vitest';
import { MinimizerStatus } from './abi.generated.ts';
import { loadKernel } from './load_kernel_node.ts';

const [native, wasm] = await Promise.all([loadKernel('native'), loadKernel('wasm')]);

describe.each([native, wasm])('$name', (kernel) => {
  const minimizer = kernel.createMinimizer({ n: 1, memory: 1, maxIterations: Infinity, maxEvaluations: Infinity });
  bench('minimizer: start + tell (n = 1)', () => {
    minimizer.x[0] = 1;
    minimizer.start();
    // A gradient of 0: the minimizer ends here.
    minimizer.gradient[0] = 0;
    if (minimizer.tell(0) !== MinimizerStatus.CONVERGED_PG) throw new Error('expected the end');
  });

  const search = kernel.createSearch({ n: 2, classes: 2, lanes: 1 });
  const image = Float32Array.of(0.5, 0.5);
  bench('search: submit + ask + tell + take (n = 2)', () => {
    search.submit(0, image, 0, -1);
    search.ask();
    // The image is misclassified: the lane ends here.
    search.logits[0] = 0;
    search.logits[1] = 1;
    search.tell();
    if (search.take() === undefined) throw new Error('expected a result');
  });

  bench('createMinimizer + dispose (n = 784)', () => {
    kernel.createMinimizer({ n: 784 }).dispose();
  });
});
