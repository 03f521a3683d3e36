/** How much is remembered of addresses: of so many. */
const addressesMax = 10_000

/** A map that forgets what was put in first. */
export class Memory<Item> extends Map<string, Item> {
  override set(key: string, item: Item): this {
    this.delete(key)
    const [oldest] = this.keys()
    if (this.size >= addressesMax && oldest !== undefined) this.delete(oldest)
    return super.set(key, item)
  }
}
