import Type, { type Static } from 'typebox'
import type { Reader } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { clearable, fixed, name, text } from '../../documents/vocabulary.ts'
import type { Fault } from '../../errors.ts'
import type { Tag } from '../../http/operation.ts'
import type { Permission } from '../../http/permissions.ts'
import { countHeld, type Holder } from '../../resources/holders.ts'
import { exactName, words } from '../../resources/listed.ts'
import type { Part } from '../../resources/part.ts'
import type { Resource } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'

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
  /** What chooses codes of this level as its default, keyed by the scope and the code. */
  defaults: readonly Holder[]
}

/** What stands against deleting or deactivating a code: a default must stay usable. */
async function checkUse(
  reader: Reader,
  key: readonly string[],
  defaults: readonly Holder[],
): Promise<Fault[]> {
  for (const holder of defaults) {
    if ((await countHeld(reader, key, holder)) === 0) continue
    const message =
      'Cannot delete or deactivate the disposition code. It is being used as default code.'
    return [{ code: 21, message }]
  }
  return []
}

/** A code that is chosen as a default stays active and there. */
function staysUsable(defaults: readonly Holder[]): Part<DispositionCode> {
  return {
    async check({ transaction, key, value, before }) {
      if (!before?.active || value.active) return []
      const faults = await checkUse(transaction, key, defaults)
      return faults.map((fault) => ({ ...fault, parameter: 'active' }))
    },
    checkRemoval: ({ transaction, key }) => checkUse(transaction, key, defaults),
  }
}

const example = { code: '123456', active: true, description: 'Test Call Disposition Code' }

/** The codes of one level. */
export function dispositionCodes(definition: Definition): Resource<DispositionCode> {
  const { tag, table, scopeColumns, permissions, defaults, ...rest } = definition
  const { read, write } = permissions
  return {
    ...rest,
    id: { member: 'code', parameter: 'instance_name' },
    permissions: { list: read, read, create: write, change: write, remove: write },
    document: defineDocument({ schema: DispositionCode, defaults: { active: true } }),
    table: defineTable<DispositionCode>({
      name: table,
      key: [...scopeColumns, 'code'],
      listed: {
        Code: exactName('code', ({ code }) => code),
        Description: words('description', ({ description }) => description),
      },
      stored: { active: ({ active }) => Number(active) },
    }),
    list: { member: 'disposition_codes' },
    parts: [staysUsable(defaults)],
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
