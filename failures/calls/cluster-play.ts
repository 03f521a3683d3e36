import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { left, leftSeconds, routed, startParties } from './cluster-parties.ts'
import { startRouter } from './cluster-router.ts'
import type { Scenario } from './cluster-scenarios.ts'
import { type Cluster, openCluster } from './cluster-stage.ts'
import { type ClusterVerdict, judge, type Recorded } from './cluster-verdict.ts'
import { until } from './stage.ts'

export interface Load {
  /** Of both engines together. */
  callsPerSecond: number
  /** For which calls come; they go on until the strike is over and some more. */
  seconds: number
  /** Before the strike. */
  calmSeconds: number
}

/** Asks the database itself. */
async function query<Row>({ databaseUrl }: Cluster, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}

/** Whatever is there of calls still. */
async function leftOf(cluster: Cluster): Promise<number> {
  const [row] = await query<{ count: string }>(cluster, 'SELECT count(*) FROM calls')
  const onEngines = await Promise.all(
    cluster.engines.map(
      async (engine) => (await engine.channels()).length + (await engine.bridges()).length,
    ),
  )
  return onEngines.reduce((sum, count) => sum + count, Number(row?.count))
}

async function readRecords(cluster: Cluster): Promise<Map<string, Recorded[]>> {
  const records = new Map<string, Recorded[]>()
  for (const { value } of await query<{ value: string }>(
    cluster,
    'SELECT value FROM call_records',
  )) {
    const record = JSON.parse(value)
    const number = record.caller?.number ?? ''
    records.set(number, [...(records.get(number) ?? []), record])
  }
  return records
}

/**
 * Strikes while calls come, and tells what became of each.
 *
 * @param complain is told what is wrong.
 */
export async function playOnCluster(
  { name, fragile, strike, after }: Scenario,
  load: Load,
  complain: (text: string) => void,
): Promise<ClusterVerdict> {
  const cluster = await openCluster(fragile)
  try {
    const router = startRouter(cluster)
    router.route(routed)
    router.route(left, leftSeconds)
    const parties = await startParties(cluster, load)
    const began = Date.now()
    await delay(load.calmSeconds * 1_000)
    const strikeAt = Date.now()
    const struck = await strike(cluster)
    const loadUntil = began + load.seconds * 1_000
    await delay(Math.max(0, loadUntil - Date.now()))
    await after?.(cluster)
    router.route(left)
    await until('nothing is left', async () => (await leftOf(cluster)) === 0, 100).catch((error) =>
      complain(String(error)),
    )
    await router.stop()
    const { callers, answerers } = await parties.finish()
    for (const surprise of router.surprises) complain(surprise)
    const evidence = {
      ...{ callers, answerers, strikeAt, loadUntil, struck },
      records: await readRecords(cluster),
      left: await leftOf(cluster),
      surprises: router.surprises.length,
    }
    return judge(name, evidence, complain)
  } finally {
    await cluster.close()
  }
}
