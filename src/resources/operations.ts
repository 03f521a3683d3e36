import type { FastifyRequest } from 'fastify'
import type { Members } from '../documents/normalise.ts'
import { type Answer, representation } from '../http/answer.ts'
import { clientOf } from '../http/clients.ts'
import type { Door } from '../writes/door.ts'
import { intentOf } from '../writes/intent.ts'
import * as judge from './judge.ts'
import type { Kept } from './keeper.ts'
import { pageAnswer, pageSizeMax, readListQuery } from './query.ts'
import { fieldsOf, siteOf } from './resource.ts'

export interface Served<Value extends Members> extends Kept<Value> {
  door: Door
}

function givenBy(request: FastifyRequest): judge.Given {
  return { body: request.body, headers: request.headers, client: clientOf(request) }
}

export async function list<Value extends Members>(
  { resource, keeper, door: { reader } }: Served<Value>,
  request: FastifyRequest,
): Promise<Answer> {
  const site = siteOf(request)
  await resource.collection.require?.(reader, site)
  const { isWhole, member, totals } = resource.list
  const names = Object.keys(fieldsOf(resource))
  const query = readListQuery(site.query, names, isWhole ? undefined : pageSizeMax)
  const scope = resource.collection.scope(site)
  const page = await keeper.list(scope, query)
  const beside = await totals?.read(reader, scope)
  return pageAnswer(request, { query, page }, { member, ...(beside && { totals: beside }) })
}

export async function read<Value extends Members>(
  { resource, keeper, door }: Served<Value>,
  request: FastifyRequest,
): Promise<Answer> {
  const site = siteOf(request)
  const text = await keeper.read(judge.keyIn(resource, site))
  return representation(text ?? (await judge.refuseUnknown(resource, door.reader, site)))
}

export function create<Value extends Members>(
  { resource, keeper, door: { reader } }: Served<Value>,
  request: FastifyRequest,
): Promise<Answer> {
  const edit = judge.creation(resource, siteOf(request), givenBy(request), reader)
  return keeper.edit(intentOf(request), edit)
}

export function change<Value extends Members>(
  { resource, keeper, door: { reader } }: Served<Value>,
  request: FastifyRequest,
): Promise<Answer> {
  const edit = judge.change(resource, siteOf(request), givenBy(request), reader)
  return keeper.edit(intentOf(request), edit)
}

export function remove<Value extends Members>(
  { resource, keeper }: Served<Value>,
  request: FastifyRequest,
): Promise<Answer> {
  return keeper.edit(intentOf(request), judge.deletion(resource, siteOf(request), givenBy(request)))
}
