/** Work of two trainings at a time, each on a thread of its own. */

/** The results in the order of the items, two of which are under way at a time. */
export async function inPairs<Item, Result>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const work = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await run(items[index] as Item);
    }
  };
  await Promise.all([work(), work()]);
  return results;
}
