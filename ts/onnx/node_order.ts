/** The nodes of a graph that some of its values need, each after those that make what it reads. */
import { BlindspotError } from '../errors.ts';

interface Node {
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly opType: string;
  readonly name: string;
}

/**
 * In the file's order where that is one already.
 * @throws INVALID_MODEL when a node needs its own output.
 */
export function orderedNodes<N extends Node>(nodes: readonly N[], wanted: readonly string[]): N[] {
  const makers = new Map<string, number>();
  nodes.forEach(({ output }, i) => {
    for (const name of output) if (name !== '') makers.set(name, i);
  });
  // Depth first, without recursion: real models are thousands of nodes deep.
  const state = new Uint8Array(nodes.length);
  const WAITING = 1;
  const DONE = 2;
  const order: number[] = [];
  for (const name of wanted) {
    const root = makers.get(name);
    if (root === undefined) continue;
    const stack = [root];
    while (stack.length > 0) {
      const at = stack.at(-1) as number;
      const node = nodes[at] as N;
      if (state[at] !== 0) {
        stack.pop();
        if (state[at] === WAITING) order.push(at);
        state[at] = DONE;
        continue;
      }
      state[at] = WAITING;
      for (const input of node.input) {
        const maker = makers.get(input);
        if (maker === undefined || state[maker] === DONE) continue;
        if (state[maker] === WAITING) {
          throw new BlindspotError(
            'INVALID_MODEL',
            `${node.opType} "${node.name || node.output[0]}" reads "${input}", which is made from its own output; is the file damaged?`,
          );
        }
        stack.push(maker);
      }
    }
  }
  const sorted = [...order].sort((a, b) => a - b);
  return (isTopological(nodes, sorted, makers) ? sorted : order).map((at) => nodes[at] as N);
}

function isTopological(nodes: readonly Node[], order: readonly number[], makers: ReadonlyMap<string, number>): boolean {
  return order.every((at) => nodes[at]?.input.every((name) => (makers.get(name) ?? -1) < at));
}
