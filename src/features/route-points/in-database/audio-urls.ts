import { type Reader, sql } from '../../../database/database.ts'
import type { GroupKey } from '../../../http/place.ts'
import { nextTurn } from '../../../resources/turns.ts'
import { valuesIn } from '../../../writes/recorded.ts'
import { audioUrlsIn } from '../audio-urls.ts'
import { type OwnerTables, ownerTables } from './owner-tables.ts'

type SettingRow = Record<string, string> & { setting: string; value: string }

/** Settings that are read in one turn of the event loop. */
const settingsPerTurn = 500

/** The settings of one kind of owner, as documents that name audio from the web. */
function readerOf({ settings, key }: OwnerTables) {
  const place = [...key.slice(2), 'setting']
  const columns = place.join(', ')
  const select = sql<SettingRow>(
    `SELECT ${columns}, value FROM ${settings}
     WHERE tenant_key = ? AND group_key = ? AND value LIKE '%"url":%'
       AND (${columns}) > (${place.map(() => '?').join(', ')})
     ORDER BY ${columns} LIMIT ${settingsPerTurn}`,
  )
  return async function* read(reader: Reader, group: GroupKey): AsyncGenerator<SettingRow, void> {
    // Nothing comes before an empty text.
    for (let after = place.map(() => ''); ; ) {
      const rows = await reader.all(select, ...group, ...after)
      yield* rows
      const last = rows.at(-1)
      if (rows.length < settingsPerTurn || !last) return
      after = valuesIn(last, place)
      await nextTurn()
    }
  }
}

const readers = Object.values(ownerTables).map(readerOf)

/** Every URL of audio that a setting of a group names. */
export async function findNamedUrls(reader: Reader, group: GroupKey): Promise<Set<string>> {
  const urls = new Set<string>()
  for (const read of readers) {
    for await (const { setting, value } of read(reader, group)) {
      for (const url of audioUrlsIn(setting, value)) urls.add(url)
    }
  }
  return urls
}
