import { setTimeout as delay } from 'node:timers/promises'
import type { NetworkProxy } from '../proxy.ts'
import type { Cluster, Fragile } from './cluster-stage.ts'

/** What a strike has done. */
export interface Struck {
  /** Engines whose calls nobody can treat for a while. */
  engines: readonly number[]
  /** The engine that died, and when it was back. */
  dead?: { engine: number; until: number }
  /** The engine that takes no new calls, and since when. */
  drained?: { engine: number; since: number }
}

export interface Scenario {
  name: string
  fragile?: Fragile
  strike(cluster: Cluster): Promise<Struck>
  /** Undoes what the strike has left, when no more calls come. */
  after?(cluster: Cluster): Promise<void>
}

const both = [0, 1] as const

/** Seconds that a node stays away: another has taken its calls long before. */
const awaySeconds = 15

/** Seconds that an engine needs to be started again. */
const engineSeconds = 4

/** Seconds of silence on a network: longer than any answer is waited for, and than a lease lasts. */
const silenceSeconds = 20

/** Seconds of silence between a node and its engine: longer than it waits for it before it leaves it to the other. */
const unreachedSeconds = 40

/** Within which what is asked of an engine's drain is heeded. */
const drainSeconds = 2

/** The node that treats the first engine's calls, and all engines whose calls it treats. */
async function holder({ holderOf }: Cluster): Promise<{ index: number; held: number[] }> {
  const holders = await Promise.all(both.map(holderOf))
  const [index] = holders
  if (index === undefined) throw new Error('Nobody treats the calls of the first engine.')
  return { index, held: both.filter((engine) => holders[engine] === index) }
}

async function silence(ways: readonly NetworkProxy[], seconds = silenceSeconds): Promise<void> {
  for (const way of ways) way.swallow()
  await delay(seconds * 1_000)
  for (const way of ways) way.heal()
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'a node is killed',
    async strike(cluster) {
      const { index, held } = await holder(cluster)
      await cluster.nodes[index]?.kill()
      await delay(awaySeconds * 1_000)
      await cluster.nodes[index]?.start()
      return { engines: held }
    },
  },
  {
    name: 'an engine is killed',
    async strike({ engines: [engine] }) {
      await engine.kill()
      await delay(engineSeconds * 1_000)
      await engine.restart('kill')
      return { engines: [0], dead: { engine: 0, until: Date.now() } }
    },
  },
  {
    name: 'the database restarts',
    async strike({ server }) {
      await server.restart('fast')
      return { engines: both }
    },
  },
  {
    name: 'the database is killed',
    async strike({ server }) {
      await server.restart('kill')
      return { engines: both }
    },
  },
  {
    name: `a node cannot reach its engine for ${unreachedSeconds} s`,
    fragile: 'to engines',
    async strike(cluster) {
      const { index, held } = await holder(cluster)
      await silence(cluster.waysOf(index), unreachedSeconds)
      return { engines: held }
    },
  },
  {
    name: `a node cannot reach the database for ${silenceSeconds} s`,
    fragile: 'to the database',
    async strike(cluster) {
      const { index, held } = await holder(cluster)
      await silence(cluster.waysOf(index))
      return { engines: held }
    },
  },
  {
    name: `no node can reach the database for ${silenceSeconds} s`,
    fragile: 'to the database',
    async strike({ waysOf }) {
      await silence(both.flatMap(waysOf))
      return { engines: both }
    },
  },
  {
    name: 'nodes are stopped and started one after another',
    async strike({ nodes }) {
      for (const node of nodes) {
        await node.stop()
        await node.start()
        await delay(3_000)
      }
      return { engines: both }
    },
  },
  {
    name: 'an engine is drained',
    async strike({ drain }) {
      await drain(0, true)
      await delay(drainSeconds * 1_000)
      return { engines: [], drained: { engine: 0, since: Date.now() } }
    },
    after: ({ drain }) => drain(0, false),
  },
]
