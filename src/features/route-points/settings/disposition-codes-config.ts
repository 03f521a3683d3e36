import Type from 'typebox'
import { needs } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { invalid } from '../../../errors.ts'
import { Code, CodeLevel } from '../../disposition-codes/disposition-code.ts'
import { defineSetting } from './define.ts'

const DefaultCode = Type.Object(
  { code: Code, level: CodeLevel },
  {
    whole: true,
    refersTo: 'dispositionCode',
    additionalProperties: false,
    description: 'Code of calls for which the agent chooses none.',
  },
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

const invalidCode = invalid('defaultCallDispositionCode', 'Invalid disposition code.')

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
  example: { get: example, put: { request: example, response: example } },
  alias:
    '/api/v1/tenants/:tenant_id/groups/:group_id/route_points/call_centers/:route_point_user_id/disposition_codes_config/',
})
