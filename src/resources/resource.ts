import type { FastifyRequest } from 'fastify'
import type { Reader } from '../database/database.ts'
import type { Document } from '../documents/document.ts'
import type { Members } from '../documents/normalise.ts'
import type { Upload } from '../documents/upload.ts'
import type { Schema } from '../documents/vocabulary.ts'
import type { Example, Tag } from '../http/operation.ts'
import type { Caller, Permission } from '../http/permissions.ts'
import { type Place, parametersIn } from '../http/place.ts'
import { type Query, queryIn } from '../http/query.ts'
import type { Work } from '../writes/door.ts'
import type { Cause } from '../writes/record.ts'
import type { Key, Prepared } from './keeper.ts'
import type { Part } from './part.ts'
import type { ListFields } from './query-sql.ts'
import type { Table } from './table.ts'

/** Which resource a request is about. */
export interface Site {
  caller: Caller
  place: Place
  /** The raw parameters of the path. */
  parameters: Record<string, string>
  /** The query string. */
  query: Query
}

export function siteOf(request: FastifyRequest): Site {
  return {
    caller: request.caller,
    place: request.place,
    parameters: parametersIn(request),
    query: queryIn(request),
  }
}

/** A write under way. `before` is undefined in a creation; a removal's `value` is what is removed. */
export interface Write<Value> extends Omit<Site, 'caller'>, Work {
  key: Key
  value: Value
  before: Value | undefined
  /** What `prepare` made of the members that are never shown, such as a password's hash. */
  prepared: Prepared
  /** As what it is recorded, and its effects on others name it. */
  cause: Cause
  /** Files that the request brought. */
  uploads: Record<string, Upload>
}

/** Where a noun's documents are one collection, such as the users of a group. */
export interface Collection {
  /** The key of its place: the values of a document's key but the last. */
  scope(site: Pick<Site, 'caller' | 'place'>): Key
  /**
   * Asked before it is used, and to explain why something in it was not found.
   *
   * @throws Refusal 404 when the collection itself does not exist, or what else tells why there can be none.
   */
  require?(reader: Reader, site: Site): Promise<void>
  /** The domain that ids without one get. */
  domain?(reader: Reader, place: Place): Promise<string | undefined>
}

/** By what a document is named. */
export interface Id<Value> {
  member: keyof Value & string
  /** The path's parameter. */
  parameter: string
  /** The last column of the key, from the id in a path or document; the id itself, composed, unless told. */
  keyOf?(id: string, site: Pick<Site, 'place' | 'parameters'>): string
}

export interface List {
  /** As in `users`: the member of its answer that has the items. */
  member: string
  /** Lists of the reference know no paging: without `pageSize` they are whole. */
  isWhole?: true
  /** Members of its answer beside the items, whatever page and filter were asked for. */
  totals?: {
    schema: Record<string, Schema>
    read(reader: Reader, scope: Key): Promise<Members>
  }
  /** What it is read from where it shows more than the table holds, and the columns that order it. */
  view?: { name: string; order: string; fields: ListFields }
  /** Its items where they are not what GET answers. */
  item?: {
    columns: readonly string[]
    schema: Schema
    from(row: Record<string, string | number | null>): unknown
  }
}

/** Members that are read from elsewhere at each GET and never stored in the document. */
export interface Computed<Value> {
  members: readonly (keyof Value & string)[]
  read(reader: Reader, key: Key, value: Value): Promise<Partial<Value>>
  /** The same for the items of a list, which lack these members without it; answers them in their order. */
  readPage?(reader: Reader, scope: Key, values: readonly Value[]): Promise<Partial<Value>[]>
}

/** Where answers differ from the usual ones, as the reference prints them. */
export interface Answers<Value> {
  /** POST answers `{}`, not the resource. */
  create?: 'empty'
  /** PUT answers `{}`, not the resource. */
  change?: 'empty'
  /** DELETE of an unknown one answers `{}`, not 404. */
  removeUnknown?: 'empty'
  /** What a second one of the same key is told (11). */
  duplicate?: string
  /** Members that a GET of one leaves out, since the path says them. */
  hidden?: readonly (keyof Value & string)[]
}

/** What only people read, and OpenAPI shows. */
export interface Documentation {
  tag: Tag
  /** The noun's plural where it is not the noun with an s. */
  nouns?: string
  /** Where the noun alone does not say enough. */
  description?: string
  examples: Partial<Record<'list' | 'read' | 'create' | 'change', Example>>
}

/**
 * A noun of the API, as a definition: list, creation, read, partial update and deletion follow from it. What happens in its
 * writes beside its row stands in its parts.
 */
export interface Resource<Value extends Members = Members> {
  /** As in `user`; operation ids are made of it. */
  noun: string
  /** Of the collection, with trailing slash. */
  path: string
  id: Id<Value>
  permissions: Record<'list' | 'read' | 'create' | 'change' | 'remove', Permission>
  document: Document<Value>
  table: Table<Value>
  collection: Collection
  list: List
  /** In the order in which they are asked. */
  parts: readonly Part<Value>[]
  computed?: Computed<Value>
  /** Its largest size in bytes where it differs from the configured one, and its media types where they are not JSON alone. */
  body?: { bytesMax?: number; consumes?: readonly string[] }
  answers?: Answers<Value>
  removal?: {
    /**
     * What keeps one from being deleted. `contents`: the nouns whose key is its own and one column more, unless the request
     * says `deleteNonEmpty=1`. `names`: the rows that name it, by a mark `refersTo` with its noun in their documents
     * and by a foreign key; they take over its new name.
     */
    keptBy?: 'contents' | 'names'
    /** Thousands of rows may go with it: they are deleted step by step before it. */
    holdsMany?: true
  }
  documentation: Documentation
}

/** One permission for all operations of a resource. */
export function all(permission: Permission): Resource['permissions'] {
  return {
    list: permission,
    read: permission,
    create: permission,
    change: permission,
    remove: permission,
  }
}

/** The fields by which its list is filtered and sorted. */
export function fieldsOf({ list, table }: Pick<Resource, 'list' | 'table'>): ListFields {
  return list.view?.fields ?? table.fieldsIn()
}

/** The path of one of them. */
export function itemPathOf({ path, id }: { path: string; id: { parameter: string } }): string {
  return `${path}:${id.parameter}/`
}

/** Its noun in the plural. */
export function nounsOf({ noun, documentation }: Pick<Resource, 'noun' | 'documentation'>): string {
  return documentation.nouns ?? `${noun}s`
}
