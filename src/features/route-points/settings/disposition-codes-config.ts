import Type, { type Static } from 'typebox'
import { sql } from '../../../database/database.ts'
import { needs } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { invalid } from '../../../errors.ts'
import type { Holder } from '../../../resources/holders.ts'
import { Code, CodeLevel } from '../../disposition-codes/disposition-code.ts'
import { defineSetting, type Reference } from './define.ts'

const DefaultCode = Type.Object(
  { code: Code, level: CodeLevel },
  { whole: true, additionalProperties: false },
)

const schema = Type.Object({
  enableCallDispositionCodes: Type.Boolean({ description: 'Agents can tag calls with codes.' }),
  includeOrganizationCodes: Type.Boolean({
    description: 'With the codes of the group or enterprise, not only the route point’s own.',
  }),
  forceUseOfCallDispositionCodes: Type.Boolean({
    description: 'Every call is tagged, with the default code unless the agent chooses another.',
  }),
  defaultCallDispositionCode: clearable(DefaultCode),
})

type Configuration = Static<typeof schema>

const invalidCode = invalid('defaultCallDispositionCode', 'Invalid disposition code.')

const table = 'route_point_default_codes'

function defaultsBy(...columns: string[]): Holder {
  return { plural: 'defaults', table, columns }
}

/** The defaults that keep a code of each level from being deleted or deactivated. */
export const routePointCodeDefaults = defaultsBy(
  'tenant_key',
  'group_key',
  'route_point_key',
  'route_point_code',
)
export const groupCodeDefaults = defaultsBy('tenant_key', 'group_key', 'group_code')
export const enterpriseCodeDefaults = defaultsBy('tenant_key', 'enterprise_code')

const selectActive = sql<{ code: string }>(
  `SELECT code FROM usable_disposition_codes
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ? AND level = ? AND code = ?
     AND active = 1`,
)
const removeDefault = sql(
  `DELETE FROM ${table} WHERE tenant_key = ? AND group_key = ? AND route_point_key = ?`,
)
const insertDefault = sql(
  `INSERT INTO ${table}
     (tenant_key, group_key, route_point_key, route_point_code, group_code, enterprise_code)
   VALUES (?, ?, ?, ?, ?, ?)`,
)

/** The default code: one that the route point can use. */
const defaultCode: Reference = {
  isKeptByKeys: false,
  async check(reader, { key }, value) {
    const { defaultCallDispositionCode: chosen } = value as Configuration
    if (!chosen) return []
    const found = await reader.get(selectActive, ...key, chosen.level, chosen.code)
    return found ? [] : [invalidCode]
  },
  async save(transaction, { key }, { value }) {
    await transaction.run(removeDefault, ...key)
    const { defaultCallDispositionCode: chosen } = value as Configuration
    if (!chosen) return
    const codeOf = (level: string) => (chosen.level === level ? chosen.code : null)
    const codes = [codeOf('CallCenter'), codeOf('Group'), codeOf('Enterprise')]
    await transaction.run(insertDefault, ...key, ...codes)
  },
}

const example = {
  enableCallDispositionCodes: true,
  includeOrganizationCodes: true,
  forceUseOfCallDispositionCodes: true,
  defaultCallDispositionCode: { code: '123456', level: 'CallCenter' },
}

export const dispositionCodesConfig = defineSetting({
  name: 'disposition_codes_config',
  summary: 'disposition codes configuration',
  schema,
  default: {
    enableCallDispositionCodes: false,
    includeOrganizationCodes: false,
    forceUseOfCallDispositionCodes: false,
  },
  *rules(value) {
    const message =
      'When "forceUseOfCallDispositionCodes" is enabled, a default call disposition code must be provided.'
    const { forceUseOfCallDispositionCodes: isForced, defaultCallDispositionCode: chosen } = value
    yield needs(value, isForced, 'defaultCallDispositionCode', message)
    const isOwn = chosen === undefined || chosen.level === 'CallCenter'
    yield !isOwn && !value.includeOrganizationCodes && invalidCode
  },
  references: [defaultCode],
  example: { get: example, put: { request: example, response: example } },
  alias:
    '/api/v1/tenants/:tenant_id/groups/:group_id/route_points/call_centers/:route_point_user_id/disposition_codes_config/',
})
