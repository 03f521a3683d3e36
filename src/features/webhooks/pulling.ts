import type { WebhookKey } from './webhook.ts'

/** Something that was begun for a webhook. */
export interface Begun {
  /** When something was found to do, or nothing; and whether there is more. */
  taken: Promise<boolean>
  /** When all is done; it never fails. */
  ended: Promise<void>
}

/**
 * Takes what there is to do of webhooks, one thing after the other, and has no more than `atOnce` of each under way.
 *
 * @param begin takes one thing and does it.
 */
export function createPulling(
  begin: (webhook: WebhookKey) => Begun,
  { atOnce, signal }: { atOnce: number; signal: AbortSignal },
) {
  /** How much is under way, by webhook. */
  const under = new Map<string, number>()
  const running = new Set<Promise<void>>()
  /** Webhooks of which something is being taken, and those that have more than they have places for. */
  const pulling = new Set<string>()
  const cramped = new Set<string>()

  function beginOne(name: string, webhook: WebhookKey): Promise<boolean> {
    under.set(name, (under.get(name) ?? 0) + 1)
    const { taken, ended } = begin(webhook)
    const left = ended.then(() => {
      running.delete(left)
      const others = (under.get(name) ?? 1) - 1
      if (others > 0) under.set(name, others)
      else under.delete(name)
      if (cramped.delete(name)) void pull(webhook)
    })
    running.add(left)
    return taken
  }

  async function pull(webhook: WebhookKey): Promise<void> {
    const name = JSON.stringify(webhook)
    if (pulling.has(name)) return
    pulling.add(name)
    let hasMore = true
    while (hasMore && !signal.aborted && (under.get(name) ?? 0) < atOnce) {
      hasMore = await beginOne(name, webhook)
    }
    if (hasMore) cramped.add(name)
    pulling.delete(name)
  }

  return {
    /** Takes what there is to do of a webhook, unless that is being done. */
    pull,
    /** Waits for all that is under way. */
    async ended(): Promise<void> {
      while (running.size > 0) await Promise.all(running)
    },
  }
}
