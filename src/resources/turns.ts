import { setImmediate } from 'node:timers/promises'

/** Lets everybody else have a turn before what follows. */
export function nextTurn(): Promise<void> {
  return setImmediate()
}

/** Items that are worked on in one turn of the event loop: about a millisecond. */
const itemsPerTurn = 500

/** Maps a list that may be long, and lets others have their turns meanwhile. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  change: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % itemsPerTurn === 0) await nextTurn()
    results.push(change(item, index))
  }
  return results
}
