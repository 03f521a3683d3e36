import type { FastifyRequest } from 'fastify'
import type { Reader } from '../database/database.ts'
import { addNews, type Judged } from '../documents/document.ts'
import { compose, type Members } from '../documents/normalise.ts'
import { busy, notFound, refuseIfAny, taken } from '../errors.ts'
import { type Answer, done, representation } from '../http/answer.ts'
import type { Client } from '../http/clients.ts'
import { judgePreconditions } from '../http/conditions.ts'
import { canonicalParameters } from '../http/place.ts'
import type { Work } from '../writes/door.ts'
import type { Draft, Edit, Found, Key } from './keeper.ts'
import { type Completion, faultsOf, type Part } from './part.ts'
import { pathOf, present } from './presentation.ts'
import type { Resource, Site, Write } from './resource.ts'
import { oneOf } from './words.ts'

/** What a write takes of a request. */
export interface Given extends Pick<FastifyRequest, 'body' | 'headers'> {
  client: Client
}

/** What the write of a body without files and passwords brings. */
export const nothingBeside = { prepared: {}, uploads: {} }

/** The key of the one that an id names; an id is compared exactly unless the resource says how. */
function keyOf<Value extends Members>(resource: Resource<Value>, site: Site, id: string): Key {
  return [...resource.collection.scope(site), resource.id.keyOf?.(id, site) ?? compose(id)]
}

/** The key of the one that a request is about. */
export function keyIn<Value extends Members>(resource: Resource<Value>, site: Site): Key {
  return keyOf(resource, site, site.parameters[resource.id.parameter] ?? '')
}

/** @throws Refusal as the collection does where it is the reason, else 404. */
export async function refuseUnknown<Value extends Members>(
  resource: Resource<Value>,
  reader: Reader,
  site: Site,
): Promise<never> {
  await resource.collection.require?.(reader, site)
  throw notFound()
}

/** The document with what the parts make of it, its members in the order of its schema. */
async function completed<Value extends Members>(
  { parts, document }: Resource<Value>,
  judged: Value,
  completion: Completion<Value>,
): Promise<Value> {
  const completing = parts.filter(({ complete }) => complete)
  let value = judged
  for (const part of completing) value = (await part.complete?.(value, completion)) ?? value
  return completing.length > 0 ? document.arrange(value) : value
}

async function admit<Value extends Members>(
  { parts }: Resource<Value>,
  { reader, site }: { reader: Reader; site: Site },
  value: Value,
): Promise<void> {
  for (const part of parts) await part.admit?.(reader, site, value)
}

/** The slow work of the parts; undefined where there is none. */
function preparationOf<Value extends Members>({ parts }: Resource<Value>): Part<Value>['prepare'] {
  const preparing = parts.filter(({ prepare }) => prepare)
  if (preparing.length === 0) return undefined
  return async (secrets, options) => {
    const prepared: Record<string, string> = {}
    for (const part of preparing) Object.assign(prepared, await part.prepare?.(secrets, options))
    return prepared
  }
}

/** The document as it will be kept, the key under which, and all that stands against it. */
async function examine<Value extends Members>(
  resource: Resource<Value>,
  { work, site, judged }: { work: Work; site: Site; judged: Judged<Value> },
  { stored: before, prepared, isTaken }: Found<Value>,
): Promise<Draft<Value>> {
  const { transaction } = work
  const value = await completed(resource, judged.value, { reader: transaction, site, before })
  await admit(resource, { reader: transaction, site }, value)
  const newKey = keyOf(resource, site, String(value[resource.id.member]))
  const key = before ? keyIn(resource, site) : newKey
  const write: Write<Value> = {
    ...site,
    ...work,
    key,
    value,
    before,
    prepared,
    uploads: judged.uploads,
    cause: {
      action: before ? 'change' : 'create',
      resource: pathOf(resource, canonicalParameters(site), before ?? value),
    },
  }
  const isNewKey = !before || newKey.at(-1) !== key.at(-1)
  const message =
    resource.answers?.duplicate ??
    `There is already ${oneOf(resource.noun)} with this ${resource.id.member}.`
  const faults = addNews(judged.faults, [
    isNewKey && (await isTaken(newKey)) && taken(resource.id.member, message),
  ])
  refuseIfAny(addNews(faults, await faultsOf(resource.parts, 'check', write)))
  return { write, newKey }
}

async function judgeCreation<Value extends Members>(
  resource: Resource<Value>,
  reader: Reader,
  { site, body }: { site: Site; body: unknown },
): Promise<Judged<Value>> {
  await resource.collection.require?.(reader, site)
  return resource.document.create(body, await resource.collection.domain?.(reader, site.place))
}

/** A creation, by the body of a POST. */
export function creation<Value extends Members>(
  resource: Resource<Value>,
  site: Site,
  { body, headers, client }: Given,
  reader: Reader,
): Edit<Value> {
  const prepare = preparationOf(resource)
  let isPrepared = prepare === undefined
  return {
    key: undefined,
    ...(prepare && {
      async prepare() {
        const { secrets, faults } = await judgeCreation(resource, reader, { site, body })
        isPrepared = faults.length === 0
        // A body that will be refused is not worth slow work.
        return isPrepared ? prepare(secrets, { isNew: true, client }) : {}
      },
    }),
    async judge(work, found) {
      const judged = await judgeCreation(resource, work.transaction, { site, body })
      if (!isPrepared && judged.faults.length === 0) {
        throw busy('What stood against this has changed meanwhile; try again.', 1)
      }
      const draft = await examine(resource, { work, site, judged }, found)
      judgePreconditions({ headers }, undefined)
      return draft
    },
    answer(kept, prepared) {
      // What was created is there, as its transaction has read it again.
      const value = kept as Value
      const location = pathOf(resource, site.parameters, value)
      if (resource.answers?.create === 'empty')
        return { ...done, status: 201, headers: { location } }
      const revealing = resource.parts.find(({ reveal }) => reveal)
      const revealed = revealing?.reveal?.(prepared)
      const shown = present(resource, { ...value, ...revealed })
      const answer: Answer = { ...representation(shown, { location }), status: 201 }
      return revealed ? { ...answer, isSecret: true } : answer
    },
  }
}

/** A partial update, by the body of a PUT. */
export function change<Value extends Members>(
  resource: Resource<Value>,
  site: Site,
  { body, headers, client }: Given,
  reader: Reader,
): Edit<Value> {
  const prepare = preparationOf(resource)
  const judgeBody = async (from: Reader, before: Value) =>
    resource.document.change(before, body, await resource.collection.domain?.(from, site.place))
  return {
    key: keyIn(resource, site),
    ...(prepare && {
      // What is wrong with the update is judged in the write: until then it may have become right.
      async prepare(stored) {
        if (stored === undefined) return refuseUnknown(resource, reader, site)
        const { secrets } = await judgeBody(reader, stored)
        return prepare(secrets, { isNew: false, client })
      },
    }),
    async judge(work, found) {
      const { transaction } = work
      const { stored: before, prepared } = found
      if (before === undefined) return refuseUnknown(resource, transaction, site)
      await admit(resource, { reader: transaction, site }, before)
      const judged = await judgeBody(transaction, before)
      const draft = await examine(resource, { work, site, judged }, found)
      const unchanged = present(resource, before)
      judgePreconditions({ headers }, unchanged)
      const isSame = present(resource, draft.write.value) === unchanged
      return isSame && Object.keys(prepared).length === 0 ? undefined : draft
    },
    answer(kept) {
      if (resource.answers?.change === 'empty') return done
      // What is unknown was refused.
      return representation(present(resource, kept as Value))
    },
  }
}

/** A deletion. */
export function deletion<Value extends Members>(
  resource: Resource<Value>,
  site: Site,
  { headers }: Pick<Given, 'headers'>,
): Edit<Value> {
  const key = keyIn(resource, site)
  return {
    key,
    async judge(work, { stored: value }) {
      const { transaction } = work
      if (value === undefined) {
        await resource.collection.require?.(transaction, site)
        if (resource.answers?.removeUnknown !== 'empty') throw notFound()
        judgePreconditions({ headers }, undefined)
        return undefined
      }
      const path = pathOf(resource, canonicalParameters(site), value)
      const cause = { action: 'delete', resource: path } as const
      const write: Write<Value> = {
        ...site,
        ...work,
        key,
        value,
        before: value,
        cause,
        ...nothingBeside,
      }
      await admit(resource, { reader: transaction, site }, value)
      refuseIfAny(await faultsOf(resource.parts, 'checkRemoval', write))
      judgePreconditions({ headers }, present(resource, value))
      return { write, newKey: undefined }
    },
    answer: () => done,
  }
}
