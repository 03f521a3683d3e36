import Type, { type Static } from 'typebox'
import { defineDocument } from '../../documents/document.ts'
import { clearable, fixed, name, text } from '../../documents/vocabulary.ts'
import type { Fault } from '../../errors.ts'
import type { Tag } from '../../http/operation.ts'
import type { Permission } from '../../http/permissions.ts'
import { isNamed } from '../../resources/contents.ts'
import { exactName, words } from '../../resources/listed.ts'
import type { Part } from '../../resources/part.ts'
import type { Resource, Write } from '../../resources/resource.ts'
import { defineTable, type KeyedTable } from '../../resources/table.ts'

/** Names a code among those of its level. */
export const Code = name(10, { description: 'Compared exactly.' })

/** Whose code it is. */
export const CodeLevel = Type.Enum(['CallCenter', 'Group', 'Enterprise'], {
  description: 'Whose code it is: the route point’s own, the group’s or the enterprise’s.',
})

const DispositionCode = Type.Object({
  code: fixed(Code),
  active: Type.Boolean({ description: 'Only active codes can tag calls or be a default.' }),
  description: clearable(text(40, { description: 'What the code means, for agents.' })),
})

export type DispositionCode = Static<typeof DispositionCode>

/** What codes of route points, groups and enterprises differ in. */
type Definition = Pick<Resource<DispositionCode>, 'noun' | 'path' | 'collection'> & {
  tag: Tag
  table: string
  /** Columns of the scope. */
  scopeColumns: readonly [string, ...string[]]
  permissions: { read: Permission; write: Permission }
}

/** What stands against deleting or deactivating a code: a default must stay usable. */
async function checkUse(
  { transaction, key }: Write<DispositionCode>,
  table: KeyedTable,
): Promise<Fault[]> {
  if (!(await isNamed(transaction, table, key))) return []
  const message =
    'Cannot delete or deactivate the disposition code. It is being used as default code.'
  return [{ code: 21, message }]
}

/** A code that is chosen as a default stays active and there. */
function staysUsable(table: KeyedTable): Part<DispositionCode> {
  return {
    async check(write) {
      if (!write.before?.active || write.value.active) return []
      const faults = await checkUse(write, table)
      return faults.map((fault) => ({ ...fault, parameter: 'active' }))
    },
    checkRemoval: (write) => checkUse(write, table),
  }
}

const example = { code: '123456', active: true, description: 'Test Call Disposition Code' }

/** The codes of one level. */
export function dispositionCodes(definition: Definition): Resource<DispositionCode> {
  const { tag, table: name, scopeColumns, permissions, ...rest } = definition
  const { read, write } = permissions
  const table = defineTable<DispositionCode>({
    name,
    key: [...scopeColumns, 'code'],
    listed: {
      Code: exactName('code', ({ code }) => code),
      Description: words('description', ({ description }) => description),
    },
    stored: { active: ({ active }) => Number(active) },
  })
  return {
    ...rest,
    id: { member: 'code', parameter: 'instance_name' },
    permissions: { list: read, read, create: write, change: write, remove: write },
    document: defineDocument({ schema: DispositionCode, defaults: { active: true } }),
    table,
    list: { member: 'disposition_codes' },
    parts: [staysUsable(table.definition)],
    answers: { duplicate: 'Disposition code name already exists.' },
    documentation: {
      tag,
      examples: {
        list: { response: { disposition_codes: [example] } },
        create: { request: example, response: example },
        read: { response: example },
        change: { request: { active: false }, response: { ...example, active: false } },
      },
    },
  }
}
