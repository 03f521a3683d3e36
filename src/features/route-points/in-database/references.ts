import { type Guard, type Reader, sql } from '../../../database/database.ts'
import type { MarkedMember } from '../../../documents/marks.ts'
import type { Members } from '../../../documents/normalise.ts'
import { type Fault, invalid } from '../../../errors.ts'
import { groupKeyIn } from '../../../http/place.ts'
import type { Work } from '../../../writes/door.ts'
import { hasAnnouncement } from '../../announcements/announcements.ts'
import type { NamedKind, Setting } from '../settings/define.ts'
import type { OwnerTables } from './owner-tables.ts'

/** How this database keeps things of one kind that settings name: by rows with foreign keys beside the setting's own. */
interface References {
  /** Faults of a name that means nothing. */
  check(reader: Reader, key: readonly string[], named: MarkedMember): Promise<Fault[]>
  /** Whether the foreign keys keep all that was checked: not where it must also be active, for example. */
  isKeptByKeys: boolean
  /** Replaces the rows that stand for the names in `setting`. */
  save(
    work: Work,
    owner: { tables: OwnerTables; key: readonly string[] },
    named: { setting: string; members: readonly MarkedMember[] },
  ): Promise<void>
}

/** The files in a setting's slots. */
const announcements: References = {
  isKeptByKeys: true,
  async check(reader, key, { path, value }) {
    const name = String(value)
    if (await hasAnnouncement(reader, groupKeyIn(key), name)) return []
    return [invalid(path, `There is no announcement '${name}' in the group.`)]
  },
  async save({ transaction }, { tables, key }, { setting, members }) {
    const { removeFiles, insertFile } = tables.statements
    await transaction.run(removeFiles, ...key, setting)
    for (const { position, value } of members) {
      await transaction.run(insertFile, ...key, setting, position, String(value))
    }
  },
}

interface ChosenCode {
  code: string
  level: string
}

/** What a mark finds is unknown to the compiler; the setting's schema has judged it. */
function chosenIn({ value }: MarkedMember): ChosenCode {
  return value as ChosenCode
}

const selectActive = sql<{ code: string }>(
  `SELECT code FROM usable_disposition_codes
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ? AND level = ? AND code = ?
     AND active = 1`,
)
const removeDefault = sql(
  `DELETE FROM route_point_default_codes
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ?`,
)
const insertDefault = sql(
  `INSERT INTO route_point_default_codes
     (tenant_key, group_key, route_point_key, route_point_code, group_code, enterprise_code)
   VALUES (?, ?, ?, ?, ?, ?)`,
)

/** The default code: one that the route point can use. */
const dispositionCodes: References = {
  isKeptByKeys: false,
  async check(reader, key, named) {
    const { level, code } = chosenIn(named)
    const found = await reader.get(selectActive, ...key, level, code)
    return found ? [] : [invalid(named.path, 'Invalid disposition code.')]
  },
  async save({ transaction }, { key }, { members }) {
    await transaction.run(removeDefault, ...key)
    for (const named of members) {
      const { level, code } = chosenIn(named)
      const codeOf = (other: string) => (level === other ? code : null)
      const codes = [codeOf('CallCenter'), codeOf('Group'), codeOf('Enterprise')]
      await transaction.run(insertDefault, ...key, ...codes)
    }
  },
}

const kinds: Readonly<Record<NamedKind, References>> = {
  announcement: announcements,
  dispositionCode: dispositionCodes,
}

/** What keeps a change of a setting true, as far as it rests on what it names. */
export function referencesGuard({ names }: Setting): Guard {
  return names.every(({ kind }) => kinds[kind].isKeptByKeys) ? 'keys' : 'reads'
}

/** Faults of names that mean nothing. */
export async function checkReferences(
  reader: Reader,
  key: readonly string[],
  { setting, value }: { setting: Setting; value: Members },
): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const { kind, find } of setting.names) {
    for (const named of find(value)) faults.push(...(await kinds[kind].check(reader, key, named)))
  }
  return faults
}

/** Keeps a row for each thing that a setting names; where it named none and names none, there is nothing to do. */
export async function saveReferences(
  work: Work,
  owner: { tables: OwnerTables; key: readonly string[] },
  { setting, stored, value }: { setting: Setting; stored: Members; value: Members },
): Promise<void> {
  for (const { kind, find } of setting.names) {
    const members = find(value)
    if (members.length === 0 && find(stored).length === 0) continue
    await kinds[kind].save(work, owner, { setting: setting.name, members })
  }
}
