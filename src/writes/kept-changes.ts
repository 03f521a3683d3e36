import { defineLog } from './log.ts'

/** A change as it is kept. */
export interface KeptChange {
  position: number
  tenant_key: string
  group_key: string
  route_point_key: string
  /** Milliseconds since 1970, by the clock of the node that wrote it. */
  changed_at: number
  changed_by: string
  address: string | null
  token_name: string | null
  request_id: string | null
  action: string
  /** '' of changes before there were kinds. */
  kind: string
  target: string
  before_value: string | null
  after_value: string | null
  because: string | null
}

/** The columns of a kept change, with the values last, as they lie in a row. */
export const keptColumns = `position, tenant_key, group_key, route_point_key, changed_at, changed_by, address, token_name,
  request_id, action, kind, target, before_value, after_value, because`

/** Bytes that a change's values take, without reading them. */
export const bytesOfValues =
  'coalesce(octet_length(before_value), 0) + coalesce(octet_length(after_value), 0)'

/** The record of changes. */
export const changesLog = defineLog<KeptChange>({
  table: 'changes',
  columns: keptColumns,
  bytes: bytesOfValues,
  bytesOf: ({ before_value, after_value }) =>
    (before_value?.length ?? 0) + (after_value?.length ?? 0),
  lookMilliseconds: 250,
  restMilliseconds: 20,
  recentMax: { rows: 1_000, bytes: 4_000_000 },
})
