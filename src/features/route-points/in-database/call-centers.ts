import { type Reader, sql, type Transaction } from '../../../database/database.ts'
import { fold, type Members } from '../../../documents/normalise.ts'
import { type Fault, invalid, notFound } from '../../../errors.ts'
import { fillPath } from '../../../http/operation.ts'
import { type MemberKey, memberKeyIn } from '../../../http/place.ts'
import { foundAlone, type Key } from '../../../resources/keeper.ts'
import { parametersOf, rowOf, scopeOf } from '../../../resources/row-place.ts'
import type { Door, Work } from '../../../writes/door.ts'
import type { Change } from '../../../writes/record.ts'
import {
  type AgentState,
  type SetState,
  type SettableState,
  type StateRow,
  setState,
  stateColumns,
  stateJoins,
  stateOf,
} from '../../agents/states.ts'
import type { SettingKeeper } from '../backend.ts'
import { setStateOf } from '../dnis/call-centers.ts'
import { callCentersPath } from '../route-point.ts'

/** A DNIS by its route point's id and its name. */
export interface DnisReference {
  serviceUserId: string
  name: string
}

/** A user's call-centre setting, as GET shows it. */
export interface CallCenters {
  outgoingCallDNIS?: DnisReference
  makeOutgoingCallsAsCallCenter: boolean
  agentState: AgentState['state']
  agentNextState?: SettableState
  agentUnavailableCode?: string
  agentStateSince?: string
  agentStateUntil?: string
}

export const userKeyColumns = ['tenant_key', 'group_key', 'user_key']

interface CallCentersRow extends StateRow {
  service_user_id: string | null
  dnis_name: string | null
  make_outgoing_calls: number | null
}

// The selection is joined and not kept as text, so that a DNIS's new name is shown without a rewrite.
const selectCallCenters = sql<CallCentersRow>(
  `SELECT route_points.service_user_id, selected.dnis_name, kept.make_outgoing_calls, ${stateColumns}
   FROM users
   LEFT JOIN user_call_centers AS kept ON kept.tenant_key = users.tenant_key
     AND kept.group_key = users.group_key AND kept.user_key = users.user_key
   LEFT JOIN dnis_selections AS selected ON selected.tenant_key = users.tenant_key
     AND selected.group_key = users.group_key AND selected.user_key = users.user_key
   LEFT JOIN route_points ON route_points.tenant_key = selected.tenant_key
     AND route_points.group_key = selected.group_key
     AND route_points.route_point_key = selected.route_point_key
   ${stateJoins}
   WHERE users.tenant_key = ? AND users.group_key = ? AND users.user_key = ?`,
)

/** Undefined when there is no such user. */
async function findCallCenters(reader: Reader, userKey: Key): Promise<CallCenters | undefined> {
  const row = await reader.get(selectCallCenters, ...userKey)
  if (!row) return undefined
  const { service_user_id: serviceUserId, dnis_name: name } = row
  return {
    ...(serviceUserId !== null && name !== null && { outgoingCallDNIS: { serviceUserId, name } }),
    makeOutgoingCallsAsCallCenter: row.make_outgoing_calls === 1,
    ...shownState(row),
  }
}

function shownState(row: StateRow): Omit<CallCenters, 'makeOutgoingCallsAsCallCenter'> {
  const { state, nextState, unavailableCode, since, until } = stateOf(row, Date.now())
  return {
    agentState: state,
    ...(nextState !== undefined && { agentNextState: nextState }),
    ...(unavailableCode !== undefined && { agentUnavailableCode: unavailableCode }),
    ...(since !== undefined && { agentStateSince: since }),
    ...(until !== undefined && { agentStateUntil: until }),
  }
}

interface ChoiceRow {
  allow_outgoing_acd_call: number | null
}

const selectChoice = sql<ChoiceRow>(
  `SELECT dnis.allow_outgoing_acd_call FROM route_points AS owners
   LEFT JOIN dnis ON dnis.tenant_key = owners.tenant_key AND dnis.group_key = owners.group_key
     AND dnis.route_point_key = owners.route_point_key AND dnis.name = ?
   WHERE owners.tenant_key = ? AND owners.group_key = ? AND owners.route_point_key = ?`,
)

/** What stands against the DNIS that a user of the group wants to call out with. */
async function checkChoice(reader: Reader, userKey: Key, value: Members): Promise<Fault[]> {
  const { outgoingCallDNIS: chosen } = value as Partial<CallCenters>
  if (!chosen) return []
  const { serviceUserId, name } = chosen
  const [tenantKey, groupKey] = memberKeyIn(userKey)
  const row = await reader.get(selectChoice, name, tenantKey, groupKey, fold(serviceUserId))
  if (!row) {
    const message = `There is no route point '${serviceUserId}' in the group.`
    return [invalid('outgoingCallDNIS.serviceUserId', message)]
  }
  if (row.allow_outgoing_acd_call === 1) return []
  const message =
    row.allow_outgoing_acd_call === null
      ? `The route point has no DNIS '${name}'.`
      : `The DNIS '${name}' does not allow outgoing calls.`
  return [invalid('outgoingCallDNIS.name', message)]
}

const saveOutgoingCalls = sql(
  `INSERT INTO user_call_centers (tenant_key, group_key, user_key, make_outgoing_calls)
   VALUES (?, ?, ?, ?)
   ON CONFLICT (tenant_key, group_key, user_key)
   DO UPDATE SET make_outgoing_calls = excluded.make_outgoing_calls`,
)
const saveSelection = sql(
  `INSERT INTO dnis_selections (tenant_key, group_key, user_key, route_point_key, dnis_name)
   VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (tenant_key, group_key, user_key)
   DO UPDATE SET route_point_key = excluded.route_point_key, dnis_name = excluded.dnis_name`,
)
const deleteSelection = sql(
  'DELETE FROM dnis_selections WHERE tenant_key = ? AND group_key = ? AND user_key = ?',
)

/** What a change sets of the agent; undefined for what is set already. */
function stateSet(before: CallCenters, value: CallCenters): SetState | undefined {
  const state = setStateOf(value)
  const { agentUnavailableCode: code } = value
  const unavailableCode = state === 'Unavailable' && code !== undefined ? code : null
  const isSame =
    state === setStateOf(before) && unavailableCode === (before.agentUnavailableCode ?? null)
  // Who sets a wrap-up says no end of it.
  return isSame ? undefined : { state, unavailableCode, untilAt: null }
}

async function saveCallCenters(
  { transaction }: Work,
  userKey: Key,
  { outgoingCallDNIS, makeOutgoingCallsAsCallCenter }: CallCenters,
): Promise<void> {
  await transaction.run(saveOutgoingCalls, ...userKey, Number(makeOutgoingCallsAsCallCenter))
  if (outgoingCallDNIS) {
    const { serviceUserId, name } = outgoingCallDNIS
    await transaction.run(saveSelection, ...userKey, fold(serviceUserId), name)
  } else await transaction.run(deleteSelection, ...userKey)
}

/** @throws Refusal 404 when there is no such user. */
export async function requireCallCenters(reader: Reader, userKey: Key): Promise<CallCenters> {
  const found = await findCallCenters(reader, userKey)
  if (!found) throw notFound()
  return found
}

/** Called in a write that sets the state of a user, once it is set. */
export type AgentChanged = (transaction: Transaction, userKey: MemberKey) => Promise<void>

/** Keeps the call-centre settings of users. */
export function callCentersKeeper(door: Door, agentChanged: AgentChanged): SettingKeeper {
  return {
    async read(key) {
      return JSON.stringify(await requireCallCenters(door.reader, key))
    },
    checkReferences: checkChoice,

    edit: (intent, { key = [], judge, answer }) =>
      door.write(intent, {
        async act(work) {
          const before = await requireCallCenters(work.transaction, key)
          const draft = await judge(work, foundAlone({ ...before }))
          if (!draft) return answer({ ...before }, {})
          const value = draft.write.value as unknown as CallCenters
          await saveCallCenters(work, key, value)
          const state = stateSet(before, value)
          if (state) {
            await setState(work.transaction, key, state)
            await agentChanged(work.transaction, memberKeyIn(key))
          }
          // Ids are shown as they were created, however they were written.
          const after = await requireCallCenters(work.transaction, key)
          const texts = { before: JSON.stringify(before), after: JSON.stringify(after) }
          if (texts.before !== texts.after) {
            await work.record({ ...callCentersChange(key), ...texts })
          }
          return answer({ ...after }, {})
        },
      }),
  }
}

/** What the record tells of a user's call-centre setting, but for the texts. */
export function callCentersChange(key: Key): Pick<Change, 'scope' | 'action' | 'kind' | 'target'> {
  const row = rowOf(userKeyColumns, key)
  return {
    scope: scopeOf(row),
    action: 'change',
    kind: 'call_centers',
    target: fillPath(callCentersPath, parametersOf(row)),
  }
}
