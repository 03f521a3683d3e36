import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { furnish } from '../failures/load.ts'
import { createNode, type Node } from '../failures/node.ts'
import { sql } from '../src/database/database.ts'
import { openDatabase } from '../src/database/open.ts'
import { administer, postgresDatabases } from './postgres-databases.ts'
import { freePort } from './postgres-server.ts'

const clients = 6
/** How often a node is killed, and how many answers there are before each time. */
const kills = 3
const answersEach = 40

const routePoint = (client: number) =>
  `/api/v1/tenants/footenant/groups/foogroup/services/route_points/load${client}@sip.example.org/`

const selectTargets = sql<{ target: string }>(
  "SELECT target FROM changes WHERE action = 'create' AND target LIKE '%/dnis/%'",
)

interface Told {
  status: number
  text: string
  location: string | null
  isReplay: boolean
}

describe('a retry with an Idempotency-Key after kill -9', () => {
  const databases = postgresDatabases()
  const nodes: Node[] = []
  let folder: string | undefined
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.kill()))
    if (folder) rmSync(folder, { recursive: true })
    folder = undefined
  })
  afterAll(() => databases.remove())

  async function startNodes(databaseUrl: string, count: number): Promise<string> {
    for (let started = 0; started < count; started += 1) {
      const node = createNode(databaseUrl, await freePort())
      nodes.push(node)
      await node.start()
    }
    return furnish(nodes[0]?.url ?? '', clients)
  }

  function newFile(): string {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-retries-'))
    return `sqlite:${join(folder, 'test.db')}`
  }

  /** Creates a DNIS under a key that is made of its name; undefined when there is no answer. */
  async function create(
    url: string,
    token: string,
    { client, name }: { client: number; name: string },
  ) {
    try {
      const answer = await fetch(`${url}${routePoint(client)}dnis/`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': `the-key-of-${name}`,
        },
        body: JSON.stringify({ name }),
      })
      const { status, headers } = answer
      const told: Told = {
        status,
        text: await answer.text(),
        location: headers.get('location'),
        isReplay: headers.get('idempotent-replay') === 'true',
      }
      return status === 503 ? undefined : told
    } catch {
      return undefined
    }
  }

  /** Clients create until they are stopped, each at the next node, and again where there was no answer. */
  function startClients(token: string) {
    const answers = new Map<string, { client: number; told: Told }>()
    let isRunning = true
    async function run(client: number): Promise<void> {
      let at = client
      for (let order = 0; isRunning; order += 1) {
        const name = `name-${client}-${order}`
        let told: Told | undefined
        while (!told) {
          told = await create(nodes[at % nodes.length]?.url ?? '', token, { client, name })
          at += 1
        }
        answers.set(name, { client, told })
      }
    }
    const running = Promise.all(Array.from({ length: clients }, (_, client) => run(client)))
    return {
      answers,
      async stop() {
        isRunning = false
        await running
      },
    }
  }

  async function targetsIn(databaseUrl: string): Promise<string[]> {
    const database = await openDatabase(databaseUrl)
    const rows = await database.all(selectTargets)
    await database.close()
    return rows.map(({ target }) => target)
  }

  it.each([
    ['on SQLite, at the same node', newFile, 1],
    ['on PostgreSQL, at the other node', () => databases.create(), 2],
  ] as const)(
    'R14, R15 is done once, whenever its node was killed: %s',
    { timeout: 120_000 },
    async (_, newDatabase, count) => {
      const databaseUrl = await newDatabase()
      const token = await startNodes(databaseUrl, count)
      const load = startClients(token)
      for (let killed = 0; killed < kills; killed += 1) {
        const goal = load.answers.size + answersEach
        await expect.poll(() => load.answers.size, { timeout: 60_000 }).toBeGreaterThan(goal)
        await nodes[0]?.kill()
        await nodes[0]?.start()
      }
      await load.stop()
      // Whoever has the answer already may ask once more, of any node.
      for (const [name, { client, told }] of load.answers) {
        expect(told.status, told.text).toBe(201)
        const again = await create(nodes.at(-1)?.url ?? '', token, { client, name })
        expect(again).toEqual({ ...told, isReplay: true })
      }
      await Promise.all(nodes.map((node) => node.kill()))
      const made = await targetsIn(databaseUrl)
      expect(made.sort()).toEqual(
        [...load.answers.values()].map(({ told }) => told.location).sort(),
      )
    },
  )

  it('R14 is done where the node was killed between its last statement and the commit', {
    timeout: 120_000,
  }, async () => {
    const databaseUrl = await databases.create()
    const token = await startNodes(databaseUrl, 2)
    const [first, second] = nodes as [Node, Node]
    const blocker = new pg.Client({ connectionString: databaseUrl })
    await blocker.connect()
    await blocker.query('BEGIN')
    // Reads go on; the answer cannot be kept.
    await blocker.query('LOCK TABLE kept_answers IN SHARE ROW EXCLUSIVE MODE')
    const wanted = { client: 0, name: 'half-done' }
    const unanswered = create(first.url, token, wanted)
    // Asked by another connection: inside its transaction the blocker would see one moment again and again.
    const waiting = () =>
      administer(
        databaseUrl,
        `SELECT 1 FROM pg_stat_activity
         WHERE wait_event_type = 'Lock' AND query LIKE '%INTO kept_answers%'`,
      )
    await expect.poll(async () => (await waiting()).rowCount, { timeout: 20_000 }).toBe(1)
    await first.kill()
    expect(await unanswered).toBeUndefined()
    await blocker.query('ROLLBACK')
    await blocker.end()
    const retried = await create(second.url, token, wanted)
    expect(retried).toMatchObject({ status: 201, isReplay: false })
    expect(await create(second.url, token, wanted)).toEqual({ ...retried, isReplay: true })
    await second.kill()
    expect(await targetsIn(databaseUrl)).toHaveLength(1)
  })
})
