import { setTimeout as delay } from 'node:timers/promises'
import { openDatabase } from '../src/database/open.ts'
import { freePort } from '../test/postgres-server.ts'
import { furnish, type Load, startLoad } from './load.ts'
import { createNode, type Node } from './node.ts'
import { judge, type Verdict } from './verdict.ts'

/** Two nodes on one database, under load. */
export interface Stage {
  nodes: readonly [Node, Node]
  /** Waits until this many more writes were acknowledged. */
  progress(writes: number): Promise<void>
}

/** A database of a scenario's own, to which its trouble can happen. */
export interface Installation {
  /** Where the nodes find the database. */
  databaseUrl: string
  /** Makes the trouble once. */
  strike(stage: Stage): Promise<void>
  stop(): Promise<void>
}

export interface Scenario {
  name: string
  /** @throws Error that tells what the machine lacks for it. */
  install(): Promise<Installation>
}

export interface Length {
  clients: number
  /** How often the trouble is made. */
  strikes: number
  /** How many are acknowledged before each strike and after the last. */
  writes: number
}

/** A service that takes longer than this to come back does not come back by itself. */
const recoverySecondsMax = 90

async function underLoad(
  name: string,
  { databaseUrl, strike }: Installation,
  { nodes, length }: { nodes: readonly [Node, Node]; length: Length },
): Promise<Load> {
  // At once, on an empty database: one migrates, the other waits.
  await Promise.all(nodes.map((node) => node.start()))
  const token = await furnish(nodes[0].url, length.clients)
  const urls = nodes.map(({ url }) => url)
  const load = startLoad(urls, token, length.clients)
  const progress = async (writes: number) => {
    const goal = load.acknowledged() + writes
    while (load.acknowledged() < goal) {
      if (load.secondsWithoutService() > recoverySecondsMax) {
        throw new Error(`${name}: no recovery of ${databaseUrl}.`)
      }
      await delay(20)
    }
  }
  try {
    for (let count = 0; count < length.strikes; count += 1) {
      await progress(length.writes)
      await strike({ nodes, progress })
    }
    await progress(length.writes)
  } finally {
    await load.stop()
  }
  return load
}

/** Runs a scenario on a fresh database and tells what became of the writes. */
export async function play({ name, install }: Scenario, length: Length): Promise<Verdict> {
  const installation = await install()
  const { databaseUrl } = installation
  const nodes = [
    createNode(databaseUrl, await freePort()),
    createNode(databaseUrl, await freePort()),
  ] as const
  try {
    const load = await underLoad(name, installation, { nodes, length })
    const database = await openDatabase(databaseUrl)
    const verdict = await judge(name, database, load)
    await database.close()
    for (const surprise of new Set(load.surprises)) process.stderr.write(`${name}: ${surprise}\n`)
    return verdict
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await installation.stop()
  }
}
