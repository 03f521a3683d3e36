import type { Registry } from '@prometheus-io/client'
import type { FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import type { Database } from './database/database.ts'
import type { Document } from './documents/document.ts'
import type { Door } from './writes/door.ts'
import type { Recorded } from './writes/recorded.ts'

/** The settings that change what the application does. */
export type ApiConfig = Pick<
  Config,
  | 'ANNOUNCEMENT_BYTES_MAX'
  | 'BODY_BYTES_MAX'
  | 'BYTES_PER_SECOND_MIN'
  | 'CONNECTIONS_MAX'
  | 'GROUP_ANNOUNCEMENT_BYTES_MAX'
  | 'PUBLIC_URL'
  | 'SESSION_HOURS'
  | 'TRUSTED_PROXIES'
>

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
  table: { definition: { name: string; key: readonly string[] } }
  document: Pick<Document, 'schemas' | 'wrapper' | 'withDefaults'>
  answers?: { hidden?: readonly string[] }
}

/** What every feature is given. */
export interface Api {
  /** Where its operations are added. */
  app: FastifyInstance
  /** The way to everything that a caller writes. */
  door: Door
  /** For reading, and for what is written where there is no caller, such as a sign-in. */
  database: Database
  /** What the record tells of rows that go with others: features add theirs. */
  recorded: Recorded[]
  /** The nouns that are served, as they are added: what one holds, and who names it, follows from the others. */
  nouns: Noun[]
  config: ApiConfig
  /** Where things are counted, if anywhere. */
  registry: Registry | undefined
}
