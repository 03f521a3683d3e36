import type { Guard } from '../database/database.ts'
import type { Members } from '../documents/normalise.ts'
import type { Answer } from '../http/answer.ts'
import type { Work } from '../writes/door.ts'
import type { Intent } from '../writes/intent.ts'
import type { ListQuery, Page } from './query.ts'
import type { Resource, Write } from './resource.ts'

/** The values of a key, tenant first. */
export type Key = readonly string[]

/** What slow work has made before a write, such as a password's hash. */
export type Prepared = Readonly<Record<string, string>>

/** A write that was judged: the document as it shall be kept. */
export interface Draft<Value> {
  write: Write<Value>
  /** Where it shall be kept, which is elsewhere than it was when its name changes; undefined for a deletion. */
  newKey: Key | undefined
}

/** What a write finds. */
export interface Found<Value> {
  /** Undefined where there is none, as before a creation. */
  stored: Value | undefined
  prepared: Prepared
  /** Whether another document is kept under a key. */
  isTaken(key: Key): Promise<boolean>
}

/** What a write finds of a document whose key nothing else can get, such as a setting's. */
export function foundAlone<Value>(stored: Value): Found<Value> {
  return { stored, prepared: {}, isTaken: async () => false }
}

/** One write of one document, judged by whoever knows what it must be, and done by the keeper. */
export interface Edit<Value> {
  /** What it is about; undefined for a creation. */
  key: Key | undefined
  /** Slow work on what the request brings, before the write begins. */
  prepare?(stored: Value | undefined): Promise<Prepared>
  guard?: Guard
  /**
   * Judges the write by what it finds; undefined when there is nothing to do.
   *
   * @throws Refusal with all that stands against it.
   */
  judge(work: Work, found: Found<Value>): Promise<Draft<Value> | undefined>
  /** The answer to it, by what is kept then. */
  answer(kept: Value | undefined, prepared: Prepared): Answer
}

/** Whatever keeps documents of one kind. It judges nothing and sees no body, header or path: what it writes was judged. */
export interface Keeper<Value> {
  /** The body of a GET; undefined when there is no such document. */
  read(key: Key): Promise<string | undefined>
  /** Does a write with all that belongs to it, or none of it. */
  edit(intent: Intent, edit: Edit<Value>): Promise<Answer>
}

/** Keeps so many of a kind that there are lists of them. */
export interface ListKeeper<Value> extends Keeper<Value> {
  /** The items of a list. */
  list(scope: Key, query: ListQuery): Promise<Page<string>>
}

/** A noun as it is served, and what keeps its documents. */
export interface Kept<Value extends Members> {
  resource: Resource<Value>
  keeper: ListKeeper<Value>
}

/** Completes a noun's definition with the parts that only whoever keeps it knows, and makes its keeper. */
export type Keep<Value extends Members> = (resource: Resource<Value>) => Kept<Value>
