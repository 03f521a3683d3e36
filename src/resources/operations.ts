import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Database, Reader, Transaction } from '../database/database.ts'
import { addNews, type Judged } from '../documents/document.ts'
import { compose, type Members } from '../documents/normalise.ts'
import { notFound, refuseIfAny, taken } from '../errors.ts'
import { type Client, clientOf } from '../http/clients.ts'
import { judgePreconditions, sendText } from '../http/etag.ts'
import { fillPath } from '../http/operation.ts'
import type { Query } from '../http/query.ts'
import { record } from '../writes/record.ts'
import { addPageHeaders, pageSizeMax, readListQuery } from './query.ts'
import { readPage } from './query-sql.ts'
import { fieldsOf, type Resource, type Site, type Write } from './resource.ts'
import { removeBelow, renameRow } from './steps.ts'
import { mapInTurns } from './turns.ts'

function siteOf(request: FastifyRequest): Site {
  return {
    caller: request.caller,
    place: request.place,
    parameters: request.params as Record<string, string>,
    query: request.query as Query,
  }
}

/** `routePoint` as `route point`; an abbreviation such as `DNIS` as it is. */
export function wordsOf(noun: string): string {
  return noun.replaceAll(/(?<=[a-z])[A-Z]/g, (initial) => ` ${initial.toLowerCase()}`)
}

/** The words of a noun after `a` or `an`; `u` is not among the vowels, since it begins a user. */
export function oneOf(noun: string): string {
  const words = wordsOf(noun)
  return `${/^[aeio]/.test(words) ? 'an' : 'a'} ${words}`
}

export function without(value: Members, members: readonly string[]): Members {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !members.includes(name)))
}

/** What a creation takes of a request. */
type Creation = Pick<FastifyRequest, 'body' | 'headers'> & { client: Client }

/** What a resource's definition comes to: its five operations on a database. */
export function operationsOf<Value extends Members>(resource: Resource<Value>, database: Database) {
  const { document, table, computed, hidden = [], parameter } = resource
  const itemPath = `${resource.path}:${parameter}/`
  const fields = fieldsOf(resource)
  const duplicateMessage =
    resource.duplicateMessage ??
    `There is already ${oneOf(resource.noun)} with this ${resource.idMember}.`

  /** The canonical path of one resource, by which it is located and recorded. */
  function pathOf(parameters: Record<string, string>, value: Value | undefined): string {
    return fillPath(itemPath, { ...parameters, [parameter]: String(value?.[resource.idMember]) })
  }

  /** The key of the one that an id names; an id is compared exactly unless the resource says how. */
  function keyOf(id: string, site: Site): string[] {
    return [...resource.scope(site), resource.keyOf?.(id, site) ?? compose(id)]
  }

  function keyIn(site: Site): string[] {
    return keyOf(site.parameters[parameter] ?? '', site)
  }

  async function lookUp(reader: Reader, key: readonly string[]): Promise<Value | undefined> {
    const stored = await table.find(reader, key)
    if (stored === undefined) return undefined
    const value = JSON.parse(document.withDefaults(stored)) as Value
    return computed ? { ...value, ...(await computed.read(reader, key, value)) } : value
  }

  /** The texts of a list's items, with the members that are not stored. */
  async function withComputed(scope: readonly string[], texts: string[]): Promise<string[]> {
    if (!computed?.readPage) return texts
    const values = await mapInTurns(texts, (text): Value => JSON.parse(text))
    const members = await computed.readPage(database, scope, values)
    return mapInTurns(values, (value, index) => JSON.stringify({ ...value, ...members[index] }))
  }

  /** @throws Refusal as the collection does where it is the reason, else 404, when there is none. */
  async function find(reader: Reader, site: Site, key = keyIn(site)): Promise<Value> {
    const value = await lookUp(reader, key)
    if (value !== undefined) return value
    await resource.requireCollection?.(reader, site)
    throw notFound()
  }

  /** The body of a GET. */
  function present(value: Value): string {
    const shown = hidden.length > 0 ? without(value, hidden) : value
    return JSON.stringify(document.wrapper ? { [document.wrapper]: shown } : shown)
  }

  async function judgeChange(reader: Reader, site: Site, before: Value, body: unknown) {
    return document.change(before, body, await resource.domain?.(reader, site.place))
  }

  /**
   * The secrets of a partial update, made ready before the write so that nothing slow happens inside it. What is wrong
   * with the update is judged there: until then it may have become right.
   */
  async function secretsOf(site: Site, request: FastifyRequest): Promise<Record<string, string>> {
    if (!resource.prepare) return {}
    const before = await find(database, site)
    const { secrets } = await judgeChange(database, site, before, request.body)
    return resource.prepare(secrets, { isNew: false, client: clientOf(request) })
  }

  async function save(write: Write<Value>, newKey: readonly string[]): Promise<void> {
    const stored = JSON.stringify(computed ? without(write.value, computed.members) : write.value)
    const row = table.rowOf(write.value, stored)
    const { transaction, key, before } = write
    const writeRow = () => {
      if (before === undefined) return table.insert(transaction, newKey, row)
      if (newKey.at(-1) === key.at(-1)) return table.update(transaction, key, row)
      const carry = async () => resource.carry?.(write)
      return renameRow(transaction, table, { key, newKey, row }, carry)
    }
    await (resource.save ? resource.save(write, writeRow) : writeRow())
  }

  /** Records a write under the tenant whose resource it is, and answers the resource's path. */
  async function recordChange(
    transaction: Transaction,
    { caller, parameters }: Site,
    change: { key: readonly string[]; before: Value | undefined; after: Value | undefined },
  ): Promise<string> {
    const { key, before, after } = change
    const target = pathOf(parameters, before ?? after)
    const ownTenant = table.definition.key[0] === 'tenant_key' ? key[0] : caller.tenantKey
    await record(transaction, {
      tenantKey: ownTenant ?? '',
      by: caller.identityId,
      action: before && after ? 'change' : after ? 'create' : 'delete',
      target,
      before: before ? present(before) : null,
      after: after ? present(after) : null,
    })
    return target
  }

  async function list(request: FastifyRequest, reply: FastifyReply) {
    const site = siteOf(request)
    await resource.requireCollection?.(database, site)
    const { wholeList, item, listMember } = resource
    const query = readListQuery(
      site.query,
      Object.keys(fields),
      wholeList ? undefined : pageSizeMax,
    )
    const scope = resource.scope(site)
    const { name, key } = table.definition
    const from = resource.view?.name ?? name
    // With the table's name, since a field may join another one.
    const source = {
      from,
      fields,
      columns: (item?.columns ?? ['value']).map((column) => `${from}.${column}`),
      scope: Object.fromEntries(scope.map((value, index) => [`${from}.${key[index]}`, value])),
      key: resource.view?.order ?? `${from}.${key.at(-1)}`,
    }
    const page = await readPage<Record<string, string>>(database, source, query)
    addPageHeaders(request, reply, query, page)
    const items = await (item
      ? mapInTurns(page.rows, (row) => JSON.stringify(item.from(row)))
      : withComputed(
          scope,
          await mapInTurns(page.rows, (row) => document.withDefaults(row.value ?? '{}')),
        ))
    const totals = (await resource.totals?.read(database, scope)) ?? {}
    const beside = Object.entries(totals).map(([name, total]) => `,"${name}":${total}`)
    return sendText(request, reply, `{"${listMember}":[${items.join(',')}]${beside.join('')}}`)
  }

  /** A resource without computed or hidden members is answered as it is stored. */
  async function readStored(site: Site): Promise<string | undefined> {
    if (computed || hidden.length > 0) return undefined
    const stored = await table.find(database, keyIn(site))
    const text = stored && document.withDefaults(stored)
    return text && document.wrapper ? `{"${document.wrapper}":${text}}` : text
  }

  async function read(request: FastifyRequest, reply: FastifyReply) {
    const site = siteOf(request)
    const text = (await readStored(site)) ?? present(await find(database, site))
    return sendText(request, reply, text)
  }

  /** The document as it will be kept, the key under which, and all that stands against it. */
  async function examine(
    transaction: Transaction,
    site: Site,
    draft: { judged: Judged<Value>; before: Value | undefined; secrets: Record<string, string> },
  ) {
    const { judged, before, secrets } = draft
    const completed = await resource.complete?.(transaction, site, judged.value, before)
    const value = completed ? document.arrange(completed) : judged.value
    await resource.admitWrite?.(transaction, site, value)
    const newKey = keyOf(String(value[resource.idMember]), site)
    const key = before ? keyIn(site) : newKey
    const { uploads } = judged
    const write: Write<Value> = { ...site, transaction, key, value, before, secrets, uploads }
    const isNewKey = !before || newKey.at(-1) !== key.at(-1)
    const isTaken = isNewKey && (await table.find(transaction, newKey)) !== undefined
    const duplicate = isTaken && taken(resource.idMember, duplicateMessage)
    const faults = addNews(judged.faults, [duplicate])
    return { write, newKey, faults: addNews(faults, (await resource.check?.(write)) ?? []) }
  }

  /**
   * Creates a resource and answers its GET and its path.
   *
   * @throws Refusal with all that stands against it.
   */
  async function createOne(site: Site, { body, headers, client }: Creation) {
    await resource.requireCollection?.(database, site)
    const judged = document.create(body, await resource.domain?.(database, site.place))
    // A body that will be refused is not worth slow work.
    const isPromising = judged.faults.length === 0
    const options = { isNew: true, client }
    const secrets = (isPromising && (await resource.prepare?.(judged.secrets, options))) || {}
    return database.write(async (transaction) => {
      await site.caller.confirm(transaction)
      await resource.requireCollection?.(transaction, site)
      const draft = { judged, before: undefined, secrets }
      const { write, newKey, faults } = await examine(transaction, site, draft)
      refuseIfAny(faults)
      judgePreconditions({ headers }, undefined)
      await save(write, newKey)
      const after = await find(transaction, site, newKey)
      const change = { key: newKey, before: undefined, after }
      const target = await recordChange(transaction, site, change)
      const answer = { ...after, ...resource.reveal?.(secrets) }
      return { text: present(answer), target }
    })
  }

  async function create(request: FastifyRequest, reply: FastifyReply) {
    const { body, headers } = request
    const creation = { body, headers, client: clientOf(request) }
    const { text, target } = await createOne(siteOf(request), creation)
    reply.code(201).header('location', target)
    if (resource.answers?.create === 'empty') return {}
    return sendText(request, reply, text)
  }

  async function change(request: FastifyRequest, reply: FastifyReply) {
    const site = siteOf(request)
    const secrets = await secretsOf(site, request)
    const text = await database.write(async (transaction) => {
      await site.caller.confirm(transaction)
      const before = await find(transaction, site)
      await resource.admitWrite?.(transaction, site, before)
      const judged = await judgeChange(transaction, site, before, request.body)
      const { write, newKey, faults } = await examine(transaction, site, {
        judged,
        before,
        secrets,
      })
      refuseIfAny(faults)
      const unchanged = present(before)
      judgePreconditions(request, unchanged)
      if (present(write.value) === unchanged && Object.keys(secrets).length === 0) return unchanged
      await save(write, newKey)
      const after = await find(transaction, site, newKey)
      await recordChange(transaction, site, { key: write.key, before, after })
      return present(after)
    })
    if (resource.answers?.change === 'empty') return {}
    return sendText(request, reply, text)
  }

  /** @throws Refusal unless the deletion of what does not exist succeeds. */
  async function admitUnknown(request: FastifyRequest, reader: Reader): Promise<void> {
    await resource.requireCollection?.(reader, siteOf(request))
    if (resource.answers?.removeUnknown !== 'empty') throw notFound()
    judgePreconditions(request, undefined)
  }

  async function remove(request: FastifyRequest) {
    const site = siteOf(request)
    const key = keyIn(site)
    await database.write(async (transaction) => {
      await site.caller.confirm(transaction)
      const value = await lookUp(transaction, key)
      if (value === undefined) return admitUnknown(request, transaction)
      const nothing = { secrets: {}, uploads: {} }
      const write = { ...site, transaction, key, value, before: value, ...nothing }
      await resource.admitWrite?.(transaction, site, value)
      refuseIfAny((await resource.checkRemoval?.(write)) ?? [])
      judgePreconditions(request, present(value))
      if (resource.holdsMany) await removeBelow(transaction, table.definition, key)
      const removeRow = () => table.remove(transaction, key)
      await (resource.remove ? resource.remove(write, removeRow) : removeRow())
      await recordChange(transaction, site, { key, before: value, after: undefined })
    })
    return {}
  }

  return { list, read, create, createOne, change, remove }
}
