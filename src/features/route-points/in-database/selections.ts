import { whereEqual } from '../../../database/database.ts'
import type { Part } from '../../../resources/part.ts'
import type { Write } from '../../../resources/resource.ts'
import { type Recorded, recordRows, valuesIn } from '../../../writes/recorded.ts'
import { inSteps, type Rows } from '../../../writes/steps.ts'
import type { Dnis } from '../dnis/dnis.ts'
import type { DnisKey } from '../route-point.ts'
import { routePointScope } from '../route-points.ts'
import {
  callCentersChange,
  type DnisReference,
  requireCallCenters,
  userKeyColumns,
} from './call-centers.ts'

const selections = { name: 'dnis_selections', key: userKeyColumns }
const dnisColumns = ['tenant_key', 'group_key', 'route_point_key', 'dnis_name']

/** What the record tells of choices; of a user who goes as well, it tells that. */
function recordedAs(changed: (chosen: DnisReference) => DnisReference | undefined): Recorded {
  return {
    table: selections.name,
    columns: [],
    toldBy: 'users',
    async changeOf(row, reader) {
      const key = valuesIn(row, selections.key)
      const before = await requireCallCenters(reader, key)
      const { outgoingCallDNIS: chosen, ...rest } = before
      const outgoingCallDNIS = chosen && changed(chosen)
      const after = { ...(outgoingCallDNIS && { outgoingCallDNIS }), ...rest }
      const texts = { before: JSON.stringify(before), after: JSON.stringify(after) }
      return { ...callCentersChange(key), ...texts }
    },
  }
}

/** Choices that go with their DNIS. */
export const recordedSelections = recordedAs(() => undefined)

/** The choices of all who call out with a DNIS. */
function rowsOf(dnisKey: DnisKey): Rows {
  return { shape: selections, where: whereEqual(dnisColumns), values: dnisKey }
}

/** Takes a DNIS from everybody who calls out with it. */
async function clearSelections(write: Write<unknown>, dnisKey: DnisKey): Promise<void> {
  const rows = rowsOf(dnisKey)
  await recordRows(write, rows, recordedSelections)
  await inSteps(write, `DELETE FROM ${selections.name}`, rows)
}

/** Users choose a DNIS by its name to call out with, as long as it may be called out with. */
export const isChosen: Part<Dnis> = {
  // Everybody who calls out with it goes on so under its new name, which their settings show.
  async beforeRow(write) {
    const { value, before } = write
    if (!before || before.name === value.name) return
    const renamed = recordedAs((chosen) => ({ ...chosen, name: value.name }))
    await recordRows(write, rowsOf([...routePointScope(write), before.name]), renamed)
  },
  async afterRow(write) {
    const { value, before } = write
    if (!before?.allowOutgoingACDCall || value.allowOutgoingACDCall) return
    await clearSelections(write, [...routePointScope(write), value.name])
  },
}
