import { setTimeout as delay } from 'node:timers/promises'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { openDatabase } from '../../src/database/open.ts'
import { createFirstAdmin } from '../../src/features/admins/first-admin.ts'
import { type NewEvent, tellEvents } from '../../src/features/calls/events/tell.ts'
import { exampleCall } from '../../src/features/calls/shown.ts'
import { createLog } from '../../src/log/log.ts'
import { password } from '../furnish.ts'

/** What the benchmark wants to be told: events so often, for so long, of each of these groups in turn. */
export interface Order {
  groups: string[]
  perSecond: number
  seconds: number
}

/** When each event was committed, by the clock of the machine, in milliseconds; and bytes of memory. */
export interface Done {
  committedAt: number[]
  rss: { before: number; most: number }
  /** Parts of one processor that this process took. */
  processor: number
  /** Events that were told, where the machine could not tell as many as wished. */
  perSecond: number
}

const tickMilliseconds = 5

/** Writes that wait at a time; where there are as many, the machine cannot tell what is wished. */
const waitingMax = 200

/** As many as the arrival of a call tells. */
const eventsPerWrite = 2
const now = () => performance.timeOrigin + performance.now()

const database = await openDatabase(process.argv[2] ?? '', { connectionsMax: 40 })
await createFirstAdmin(database, 'admin', password)
const logger = createLog('error').logger
const app = await buildApp({ config: readConfig({}), database, logger })

const { place: _, ...call } = exampleCall

async function tell(first: number, groups: readonly string[]): Promise<number[]> {
  const events = Array.from({ length: eventsPerWrite }, (_, offset): NewEvent => {
    const index = first + offset
    return {
      group: ['benchtenant', groups[index % groups.length] ?? ''],
      routePointKey: 'rp@bench.example',
      kind: 'call.queued',
      at: Date.now(),
      body: { index, call },
      ofCall: { id: `call-${index}`, number: 1 },
    }
  })
  await database.write((transaction) => tellEvents(transaction, events), 'keys')
  return events.map(now)
}

async function tellAll({ groups, perSecond, seconds }: Order): Promise<Done> {
  const before = process.memoryUsage().rss
  let most = before
  const spent = process.cpuUsage()
  const told: Promise<number[]>[] = []
  let done = 0
  const started = performance.now()
  const count = (perSecond * seconds) / eventsPerWrite
  while (told.length < count) {
    const elapsed = (performance.now() - started) / 1_000
    const due = Math.min((elapsed * perSecond) / eventsPerWrite, count)
    while (told.length < due && told.length - done < waitingMax) {
      const written = tell(told.length * eventsPerWrite, groups)
      told.push(written)
      void written.then(() => {
        done += 1
      })
    }
    most = Math.max(most, process.memoryUsage().rss)
    await delay(tickMilliseconds)
  }
  const committedAt = (await Promise.all(told)).flat()
  const { user, system } = process.cpuUsage(spent)
  const lasted = (performance.now() - started) / 1_000
  const processor = (user + system) / 1_000_000 / lasted
  return { committedAt, rss: { before, most }, processor, perSecond: committedAt.length / lasted }
}

process.on('message', async (order: Order) => process.send?.(await tellAll(order)))
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
