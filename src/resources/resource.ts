import type { Reader } from '../database/database.ts'
import type { Document } from '../documents/document.ts'
import type { Members } from '../documents/normalise.ts'
import type { Upload } from '../documents/upload.ts'
import type { Schema } from '../documents/vocabulary.ts'
import type { Example, Tag } from '../http/operation.ts'
import type { Caller, Permission } from '../http/permissions.ts'
import type { Place } from '../http/place.ts'
import type { Query } from '../http/query.ts'
import type { Work } from '../writes/door.ts'
import type { Cause } from '../writes/record.ts'
import type { Key, Secrets } from './keeper.ts'
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

/** A write under way. `before` is undefined in a creation; a removal's `value` is what is removed. */
export interface Write<Value> extends Omit<Site, 'caller'>, Work {
  key: Key
  value: Value
  before: Value | undefined
  /** What `prepare` made of the members that are never shown, such as a password's hash. */
  secrets: Secrets
  /** As what it is recorded, and its effects on others name it. */
  cause: Cause
  /** Files that the request brought. */
  uploads: Record<string, Upload>
}

/**
 * A noun of the API, as a definition: list, creation, read, partial update and deletion follow from it. What happens in its
 * writes beside its row stands in its parts.
 */
export interface Resource<Value extends Members = Members> {
  /** As in `user`; operation ids are made of it. */
  noun: string
  /** The noun's plural where it is not the noun with an s. */
  nouns?: string
  /** As in `users`: the member of the list's answer. */
  listMember: string
  tag: Tag
  /** Of the collection, with trailing slash. */
  path: string
  /** The path's parameter that names one of them. */
  parameter: string
  permissions: Record<'list' | 'read' | 'create' | 'change' | 'remove', Permission>
  document: Document<Value>
  table: Table<Value>
  /** The member that names it, as the path does. */
  idMember: keyof Value & string
  /** What a second one of the same key is told (11), where the reference prints it. */
  duplicateMessage?: string
  /** Lists of the reference know no paging: without `pageSize` they are whole. */
  wholeList?: boolean
  /** What POST and PUT answer: the resource, or `{}` where the reference says so. A DELETE of an unknown one: 404, or `{}`. */
  answers?: { create?: 'empty'; change?: 'empty'; removeUnknown?: 'empty' }
  examples?: Partial<Record<'list' | 'read' | 'create' | 'change', Example>>
  /** Summaries where the noun alone does not say enough. */
  description?: string
  /** Thousands of rows may go with it: they are deleted step by step before it. */
  holdsMany?: true
  /** Largest body in bytes where it differs from the configured one. */
  bodyBytesMax?: number
  /** What a DELETE can be told. */
  removeParameters?: Record<string, Schema>
  /** Media types that bodies may have; JSON unless told. */
  consumes?: readonly string[]

  /** Key of the collection's place: the columns of the table's key but the last. */
  scope(site: Pick<Site, 'caller' | 'place'>): readonly string[]
  /** The last column of the key, from the id in a path or document; the id itself, composed, unless told. */
  keyOf?(id: string, site: Pick<Site, 'place' | 'parameters'>): string
  /**
   * Asked before the collection is used, and to explain why something in it was not found.
   *
   * @throws Refusal 404 when the collection itself does not exist, or what else tells why there can be none.
   */
  requireCollection?(reader: Reader, site: Site): Promise<void>
  /** The domain that ids without one get. */
  domain?(reader: Reader, place: Place): Promise<string | undefined>
  /** What happens in its writes beside its row, in this order. */
  parts: readonly Part<Value>[]
  /** Members that are read from elsewhere at each GET and never stored in the document. */
  computed?: {
    members: readonly (keyof Value & string)[]
    read(reader: Reader, key: readonly string[], value: Value): Promise<Partial<Value>>
    /** The same for the items of a list, which lack these members without it; answers them in their order. */
    readPage?(
      reader: Reader,
      scope: readonly string[],
      values: readonly Value[],
    ): Promise<Partial<Value>[]>
  }
  /** Members of the list's answer beside its items, whatever page and filter were asked for. */
  totals?: {
    schema: Record<string, Schema>
    read(reader: Reader, scope: readonly string[]): Promise<Members>
  }
  /** Members that a GET of one leaves out, since the path says them. */
  hidden?: readonly (keyof Value & string)[]
  /** What the list is read from where it shows more than the table holds, and the columns that order it. */
  view?: { name: string; order: string; fields: ListFields }
  /** The items of the list where they are not what GET answers. */
  item?: {
    columns: readonly string[]
    schema: Schema
    from(row: Record<string, string | number | null>): unknown
  }
}

/** The fields by which its list is filtered and sorted. */
export function fieldsOf({ view, table }: Pick<Resource, 'view' | 'table'>): ListFields {
  return view?.fields ?? table.fieldsIn()
}
