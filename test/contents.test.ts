import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/api.ts'
import { marksIn } from '../src/documents/marks.ts'
import { ownerTables } from '../src/features/route-points/in-database/owner-tables.ts'
import type { Resource } from '../src/resources/resource.ts'
import { addResource } from '../src/resources/serve.ts'
import { engines } from './engines.ts'
import { createWorld, group, type World } from './world.ts'

// The real function runs; which nouns there are is what is looked at.
vi.mock('../src/resources/serve.ts', { spy: true })

/** Rows of no noun that keep a noun's row from being deleted, and who tells of them. */
const told: Record<string, string> = {
  'identities departments': 'the admin whose identity it is',
  'route_point_default_codes route_point_disposition_codes': 'the codes themselves',
  'route_point_default_codes group_disposition_codes': 'the codes themselves',
  'route_point_default_codes enterprise_disposition_codes': 'the codes themselves',
  ...Object.fromEntries(
    Object.values(ownerTables).map(({ files }) => [`${files} announcements`, 'the usages']),
  ),
}

describe.each(engines)('what belongs to a noun on $name', (engine) => {
  let world: World
  let api: Pick<Api, 'nouns'> | undefined
  let nouns: ReadonlyMap<string, Resource>
  beforeAll(async () => {
    world = await createWorld(engine)
    const { calls } = vi.mocked(addResource).mock
    nouns = new Map(calls.map(([, one]) => [one.table.definition.name, one]))
    api = calls[0]?.[0]
  })
  afterAll(() => world.close())

  /** Every foreign key to a noun's table. */
  async function foreignKeys() {
    return (await world.database.tables()).flatMap((shape) =>
      shape.references.flatMap(({ table, cascades, forgets }) => {
        const noun = nouns.get(table)
        const names = `${shape.name} ${table}`
        return noun ? [{ names, from: nouns.get(shape.name), noun, cascades, forgets }] : []
      }),
    )
  }

  it('is known: what it holds, what keeps it by naming it, and what goes along', async () => {
    const forgotten: string[] = []
    const used = new Set<string>()
    for (const { names, from, noun, cascades, forgets } of await foreignKeys()) {
      if (from && cascades) {
        const key = from.table.definition.key.slice(0, -1)
        if (key.join() !== noun.table.definition.key.join()) forgotten.push(`${names} goes unasked`)
      } else if (from) {
        const isMarked = !marksIn(from.document.schemas.shown, (one) => one.refersTo === noun.noun)
          .isEmpty
        if (noun.removal?.keptBy !== 'names' || !isMarked) forgotten.push(`${names} is not told`)
      } else if (!cascades && !forgets) {
        if (names in told) used.add(names)
        else forgotten.push(`${names} is not told`)
      }
    }
    expect(forgotten).toEqual([])
    expect([...used].sort()).toEqual(Object.keys(told).sort())
  })

  it('is asked for a noun that is added, without being told of it', async () => {
    const user = nouns.get('users')
    if (!api || !user) throw new Error('There are no users.')
    const key = ['tenant_key', 'group_key', 'extension'] as const
    const table = { definition: { name: 'extensions', key } }
    api.nouns.push({ ...user, noun: 'extension', list: { member: 'extensions' }, table })
    await world.ask('groupAdmin', 'PUT', `${group}users/agent/`, { extension: '5001' })
    const { body } = await world.ask('system', 'DELETE', group)
    expect(body.errors[0].message).toBe(
      'Cannot delete the group. It still holds 2 departments, 2 admins, 1 user, 1 route point, 1 extension.',
    )
  })
})
