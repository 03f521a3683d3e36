import type { Database } from '../../../database/database.ts'
import { oneStep } from '../../../writes/steps.ts'
import { spans } from './roll.ts'

const hourMilliseconds = spans.hour * 1_000

const deleteRecords = oneStep('DELETE FROM call_records', {
  shape: { name: 'call_records', key: ['tenant_key', 'call_id'] },
  where: 'ended_at < ?',
})
const figuresKey = [
  ...['tenant_key', 'group_key', 'route_point_key'],
  ...['seconds', 'by_what', 'began_at', 'name', 'level'],
]
const deleteFigures = oneStep('DELETE FROM call_figures', {
  shape: { name: 'call_figures', key: figuresKey },
  where: 'began_at < ?',
})

/**
 * Removes records of calls that ended before a time in milliseconds since 1970, with their codes, and the figures of the hours before
 * it, as many of each as one step may.
 *
 * @returns how many there were of that of which there were more; as many as a step has where there may be more.
 */
export async function pruneRecords(database: Database, before: number): Promise<number> {
  // An hour goes as a whole: its quarters are not to tell another story than itself.
  const wholeHours = before - (before % hourMilliseconds)
  return database.write(async (transaction) => {
    const records = await transaction.run(deleteRecords, before)
    return Math.max(records, await transaction.run(deleteFigures, wholeHours))
  }, 'keys')
}
