import type { FastifyInstance } from 'fastify'
import type { Document } from '../documents/document.ts'
import type { Door } from '../writes/door.ts'
import type { Recorded } from '../writes/recorded.ts'
import type { KeyedTable } from './table.ts'

/** What nouns know of one another. */
export interface Noun {
  /** As in `user`; operation ids are made of it. */
  noun: string
  /** Of the collection. */
  path: string
  /** The member that names it, and the path's parameter that does. */
  id: { member: string; parameter: string }
  /** As in `users`: the member of the list's answer. */
  list: { member: string }
  table: { definition: KeyedTable }
  document: Pick<Document, 'schemas' | 'wrapper' | 'withDefaults'>
  answers?: { hidden?: readonly string[] }
}

/** What nouns are added to. */
export interface NounHost {
  /** Where its operations are added. */
  app: FastifyInstance
  /** The way to everything that a caller writes. */
  door: Door
  /** What the record tells of rows that go with others: features add theirs. */
  recorded: Recorded[]
  /** The nouns that are served, as they are added: what one holds, and who names it, follows from the others. */
  nouns: Noun[]
}
