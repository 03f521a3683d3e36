import Type, { type Static } from 'typebox'
import { defineDocument, needs } from '../../../documents/document.ts'
import { clearable, name, text } from '../../../documents/vocabulary.ts'
import type { Fault } from '../../../errors.ts'
import type { Tag } from '../../../http/operation.ts'
import { digits, exactName } from '../../../resources/listed.ts'
import { all, type Resource } from '../../../resources/resource.ts'
import { defineTable } from '../../../resources/table.ts'
import { answersTo } from '../../numbers/answers-to.ts'
import { Extension, PhoneNumber } from '../../numbers/members.ts'
import { routePointPath } from '../route-point.ts'
import { inRoutePoint } from '../route-points.ts'

/** The name of a DNIS, unique in its route point. */
export const DnisName = name(40, { description: 'Unique in the route point.' })

const Dnis = Type.Object({
  name: DnisName,
  phoneNumber: clearable(PhoneNumber),
  extension: clearable(Extension),
  useCustomCLIDSettings: Type.Boolean({
    description:
      'Calls show the three `cli…` members instead of the route point’s; it needs them all.',
  }),
  cliPhoneNumber: clearable(PhoneNumber),
  cliLastName: clearable(text(30, { description: 'Last name that calls show.' })),
  cliFirstName: clearable(text(30, { description: 'First name that calls show.' })),
  useCustomDnisAnnouncementSettings: Type.Boolean({
    description: 'Callers of this DNIS hear its own announcements instead of the route point’s.',
  }),
  allowOutgoingACDCall: Type.Boolean({
    description: 'Agents can choose this DNIS for outgoing calls; `false` clears their choices.',
  }),
})

export type Dnis = Static<typeof Dnis>

function* rules(value: Dnis): Iterable<Fault | false> {
  for (const member of ['cliPhoneNumber', 'cliLastName', 'cliFirstName'] as const) {
    const message = `The '${member}' must be set when 'useCustomCLIDSettings' is true.`
    yield needs(value, value.useCustomCLIDSettings, member, message)
  }
}

const table = defineTable<Dnis>({
  name: 'dnis',
  key: ['tenant_key', 'group_key', 'route_point_key', 'name'],
  listed: {
    Name: exactName('name', (one) => one.name),
    PhoneNumber: digits('phone_number', (one) => one.phoneNumber),
    Extension: digits('extension', (one) => one.extension),
  },
  stored: { allow_outgoing_acd_call: (one) => Number(one.allowOutgoingACDCall) },
})

const Item = Type.Object({
  name: Type.String({ description: 'Unique in the route point.' }),
  phoneNumber: Type.String({ description: "'' when there is none." }),
  extension: Type.String({ description: "'' when there is none." }),
})

export const dnisTag: Tag = {
  name: 'DNIS',
  description: 'The called numbers behind a route point, by which its calls are told apart.',
}

const exampleItem = { name: 'Test DNIS', phoneNumber: '025126780', extension: '9998' }
const exampleRest = {
  useCustomCLIDSettings: true,
  cliPhoneNumber: '025126780',
  cliLastName: 'cliLastName',
  cliFirstName: 'cliFirstName',
  useCustomDnisAnnouncementSettings: false,
  allowOutgoingACDCall: true,
}
const example = { ...exampleItem, name: 'TestDnis', ...exampleRest }

/** The called numbers behind a route point, by which its calls are told apart. */
export const dnis: Resource<Dnis> = {
  noun: 'DNIS',
  path: `${routePointPath}dnis/`,
  id: { member: 'name', parameter: 'instance_name' },
  permissions: all('group.administer'),
  document: defineDocument({
    schema: Dnis,
    defaults: {
      useCustomCLIDSettings: false,
      useCustomDnisAnnouncementSettings: false,
      allowOutgoingACDCall: false,
    },
    rules,
  }),
  table,
  collection: inRoutePoint,
  list: {
    member: 'dnis',
    isWhole: true,
    item: {
      columns: ['name', 'phone_number', 'extension'],
      schema: Item,
      from: (row) => ({
        name: row.name,
        phoneNumber: row.phone_number,
        extension: row.extension,
      }),
    },
  },
  parts: [answersTo(({ name }) => name)],
  answers: {
    create: 'empty',
    duplicate:
      'Duplicate name. The specified DNIS name is already being used by another DNIS instance.',
  },
  removal: { holdsMany: true },
  documentation: {
    tag: dnisTag,
    nouns: 'DNIS',
    examples: {
      list: { response: { dnis: [exampleItem] } },
      create: { request: { ...exampleItem, ...exampleRest }, response: {} },
      read: { response: example },
      change: { request: example, response: example },
    },
  },
}
