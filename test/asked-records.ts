import { expect } from 'vitest'
import { pruneRecords } from '../src/features/calls/records/prune.ts'
import { readRecord, replaceRecordCodes } from '../src/features/calls/records/record.ts'
import { rollOnce, settledMilliseconds } from '../src/features/calls/records/roll.ts'
import { hotlineKey } from './kept-records.ts'
import { routePoint, type World } from './world.ts'

/** Does all that is done with the records of calls: of the furnished route point, whose call has ended. */
export async function askForRecords(
  world: World,
  ask: (read: ['GET', string]) => Promise<unknown>,
  callId: string,
): Promise<void> {
  const dispositionCodes = [{ level: 'Group', code: 'A' }] as const
  await world.database.write((transaction) =>
    replaceRecordCodes(transaction, hotlineKey, { callId, dispositionCodes }),
  )
  expect(await readRecord(world.database, hotlineKey, callId)).toBeDefined()
  const records = `${routePoint}call_records/`
  await ask(['GET', `${records}${callId}/`])
  await ask(['GET', `${records}csv/`])
  await rollOnce(world.database, Date.now() + settledMilliseconds + 900_000)
  for (const by of ['', '&by=agent', '&by=dnis', '&by=code']) {
    // Made of hours, and of quarters of hours.
    for (const to of ['2026-03-01T00:00Z', '2026-01-01T00:15Z']) {
      await ask(['GET', `${routePoint}call_figures/?from=2026-01-01T00:00Z&to=${to}${by}`])
    }
  }
  await pruneRecords(world.database, 0)
  const filters = ['agent=agent', 'caller=1', 'caller=123*', 'code=A', 'code=A&codeLevel=Group']
  for (const filter of ['from=2026-01-01T00:00:00Z', ...filters]) {
    await ask(['GET', `${records}?${filter}`])
    await ask(['GET', `${records}?${filter}&dnis=Main&outcome=answered`])
  }
}
