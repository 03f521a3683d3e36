import type { FastifyRequest } from 'fastify'
import type { Static, TObject } from 'typebox'
import type { Guard, Reader, Transaction } from '../../../database/database.ts'
import { type Document, defineDocument, type Rule } from '../../../documents/document.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { Fault } from '../../../errors.ts'

/** The tables that keep the settings of one kind of owner: route points, or DNIS. */
export interface OwnerTables {
  owners: string
  settings: string
  files: string
  /** Columns of the owner's key in `owners`, and in the other two, tenant and group first. */
  ownerKey: readonly string[]
  key: readonly string[]
  /** @throws Refusal that tells why there is no such owner, where it is not simply 404. */
  requireOwner?(reader: Reader, key: readonly string[]): Promise<void>
}

/** A kind of thing that has settings, as the API shows it. */
export interface OwnerKind {
  /** As in `route point`. */
  noun: string
  tag: string
  tables: OwnerTables
  /** Path of a setting. */
  pathOf(setting: string): string
  /** The key of the one that a request is about. */
  keyOf(request: FastifyRequest): Owner['key']
  /** Statuses with which reading can be refused, besides the usual ones. */
  refusals?: readonly number[]
}

/** What a setting belongs to. */
export interface Owner {
  tables: OwnerTables
  /** Values of the key, tenant and group first. */
  key: readonly [tenantKey: string, groupKey: string, ...rest: string[]]
}

/** Something that a setting names and that must exist as long as it does: a file in a slot, a default code. */
export interface Reference {
  /** Faults of names that mean nothing. */
  check(reader: Reader, owner: Owner, value: Members): Promise<Fault[]>
  /** Whether the rows' foreign keys keep all that was checked: not where it must also be active, for example. */
  isKeptByKeys: boolean
  /** Replaces the rows, with foreign keys, that stand for the names in `setting`. */
  save(
    transaction: Transaction,
    owner: Owner,
    named: { setting: string; value: Members },
  ): Promise<void>
}

export interface SettingExample {
  get: unknown
  put: { request: unknown; response: unknown }
}

interface SettingDefinition<S extends TObject> {
  /** As in the path. */
  name: string
  summary: string
  schema: S
  /** The state of an owner that was never told otherwise. */
  default: Static<S>
  rules?: Rule<Static<S>>
  references?: readonly Reference[]
  /** The reference's own. */
  example: SettingExample
  /** A path that the reference prints beside the canonical one, for PUT. */
  alias?: string
}

/** One kind of configuration of an owner, such as a route point; its operations and storage follow from the definition. */
export interface Setting {
  name: string
  summary: string
  document: Document
  /** The default as GET answers it. */
  defaultText: string
  references: readonly Reference[]
  /** What keeps a change true: beside its references it rests on the setting's own row. */
  guard: Guard
  example: SettingExample
  alias: string | undefined
}

export function defineSetting<S extends TObject>(definition: SettingDefinition<S>): Setting {
  const { name, summary, schema, rules, references = [], example, alias } = definition
  const document = defineDocument({
    schema,
    defaults: definition.default,
    ...(rules && { rules }),
  })
  return {
    name,
    summary,
    document: document as unknown as Document,
    defaultText: JSON.stringify(document.arrange(definition.default)),
    references,
    guard: references.every(({ isKeptByKeys }) => isKeptByKeys) ? 'keys' : 'reads',
    example,
    alias,
  }
}
