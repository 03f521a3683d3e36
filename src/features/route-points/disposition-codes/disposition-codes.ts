import Type from 'typebox'
import type { Resource } from '../../../resources/resource.ts'
import {
  CodeLevel,
  type DispositionCode,
  dispositionCodes,
} from '../../disposition-codes/disposition-code.ts'
import { routePointPath } from '../route-point.ts'
import { inRoutePoint } from '../route-points.ts'

const Item = Type.Object({
  code: Type.String({ description: 'Compared exactly.' }),
  active: Type.Boolean({ description: 'Only active codes can tag calls or be a default.' }),
  description: Type.String({ description: "'' when there is none." }),
  level: CodeLevel,
})

const description = 'Test Call Disposition Code'
const change = { active: true, description }
const creation = { code: '123456', ...change }

const own = dispositionCodes({
  noun: 'routePointDispositionCode',
  tag: {
    name: 'Route point disposition codes',
    description: 'Codes of a route point with which agents tag its calls.',
  },
  path: `${routePointPath}disposition_codes/`,
  permissions: { read: 'group.read', write: 'group.administer' },
  table: 'route_point_disposition_codes',
  scopeColumns: ['tenant_key', 'group_key', 'route_point_key'],
  collection: inRoutePoint,
})

/** Every code that calls of a route point can be tagged with. */
const view = 'usable_disposition_codes'

/** The route point's own codes; their list shows those of its organization too. */
export const routePointCodes: Resource<DispositionCode> = {
  ...own,
  list: {
    ...own.list,
    isWhole: true,
    view: {
      name: view,
      order: 'level, code',
      fields: { ...own.table.fieldsIn(view), Level: { column: 'level', folded: 'level_key' } },
    },
    item: {
      columns: ['code', 'active', 'description', 'level'],
      schema: Item,
      from: ({ code, active, description, level }) => ({
        code,
        active: active === 1,
        description,
        level,
      }),
    },
  },
  answers: {
    ...own.answers,
    create: 'empty',
    change: 'empty',
    removeUnknown: 'empty',
    hidden: ['code'],
  },
  documentation: {
    ...own.documentation,
    examples: {
      list: {
        response: {
          disposition_codes: [
            { ...creation, level: 'CallCenter' },
            {
              code: '5678876',
              active: true,
              description: `${description} from Group`,
              level: 'Group',
            },
          ],
        },
      },
      create: { request: creation, response: {} },
      read: { response: change },
      change: { request: change, response: {} },
    },
  },
}
