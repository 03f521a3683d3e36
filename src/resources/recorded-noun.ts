import type { Members } from '../documents/normalise.ts'
import type { Change } from '../writes/record.ts'
import { type KeptRow, type Recorded, valueIn } from '../writes/recorded.ts'
import type { Noun } from './noun.ts'
import { pathOf, present } from './presentation.ts'
import { parametersOf, scopeOf } from './row-place.ts'

/**
 * What the record tells of a noun's row that a write of something else changes or takes along.
 *
 * @param after what is left of it; undefined where it goes.
 */
export function rowChange(
  noun: Noun,
  row: KeptRow,
  { before, after }: { before: Members; after: Members | undefined },
): Omit<Change, 'because'> {
  return {
    scope: scopeOf(row),
    action: after ? 'change' : 'delete',
    kind: noun.noun,
    target: pathOf(noun, parametersOf(row), before),
    before: present(noun, before),
    after: after ? present(noun, after) : null,
  }
}

/** What the record tells of a noun's rows that go with another; nothing of those of no tenant, which go with nothing. */
export function recordedNoun(noun: Noun): Recorded[] {
  const { name, key } = noun.table.definition
  if (key[0] !== 'tenant_key') return []
  return [
    {
      table: name,
      columns: ['value'],
      async changeOf(row) {
        const before: Members = JSON.parse(noun.document.withDefaults(valueIn(row, 'value')))
        return rowChange(noun, row, { before, after: undefined })
      },
    },
  ]
}
