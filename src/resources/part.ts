import type { Reader } from '../database/database.ts'
import type { Members } from '../documents/normalise.ts'
import { type Fault, faultWithin } from '../errors.ts'
import type { Client } from '../http/clients.ts'
import type { Prepared } from './keeper.ts'
import type { Site, Write } from './resource.ts'

/** What a document is completed by. */
export interface Completion<Value> {
  reader: Reader
  site: Site
  /** Undefined in a creation. */
  before: Value | undefined
}

/**
 * One concern of a noun in the writes of its documents: its own, or one that it shares with others, such as signing in. The
 * parts of a noun are asked in their order.
 */
export interface Part<Value> {
  /** Slow work, done before the write begins; its answer is in the write's `prepared`. */
  prepare?(
    secrets: Readonly<Record<string, string>>,
    options: { isNew: boolean; client: Client },
  ): Promise<Prepared>
  /** Completes a document with what the server decides. */
  complete?(value: Value, completion: Completion<Value>): Promise<Value>
  /**
   * Asked of what a write finds and of what it would leave, which may be faulty yet.
   *
   * @throws Refusal 403 when the caller's level suffices in general but not for this one.
   */
  admit?(reader: Reader, site: Site, value: Value): Promise<void>
  /** What only the database can say against a document. */
  check?(write: Write<Value>): Promise<Fault[]>
  beforeRow?(write: Write<Value>): Promise<void>
  /** The row is written then. */
  afterRow?(write: Write<Value>): Promise<void>
  /** Rewrites the documents that name it, and moves their rows, when it gets another name; both rows are there then. */
  carry?(write: Write<Value>): Promise<void>
  /** What stands against a deletion (21). */
  checkRemoval?(write: Write<Value>): Promise<Fault[]>
  /** The row is deleted then. */
  afterRemoval?(write: Write<Value>): Promise<void>
  /** Members that the answer to the creation shows and no later one does. */
  reveal?(prepared: Prepared): Members
}

/** Lets each part do what it has to do at a moment of a write. */
export async function runParts<Value>(
  parts: readonly Part<Value>[],
  moment: 'beforeRow' | 'afterRow' | 'carry' | 'afterRemoval',
  write: Write<Value>,
): Promise<void> {
  for (const part of parts) await part[moment]?.(write)
}

/** What the parts have against a write. */
export async function faultsOf<Value>(
  parts: readonly Part<Value>[],
  question: 'check' | 'checkRemoval',
  write: Write<Value>,
): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const part of parts) faults.push(...((await part[question]?.(write)) ?? []))
  return faults
}

/** What can be asked about a member as about a whole document. */
type OfMember = 'complete' | 'check' | 'afterRow'

/** A part that can speak of a member as well as of a whole document. */
export type MemberPart<Value> = Pick<Part<Value>, OfMember> &
  Partial<Record<Exclude<keyof Part<Value>, OfMember>, never>>

/** A part that speaks of what is inside a member. */
export function inMember<Value extends Members, Member extends keyof Value & string>(
  member: Member,
  { complete, check, afterRow }: MemberPart<Value[Member]>,
): Part<Value> {
  const inside = (write: Write<Value>): Write<Value[Member]> => ({
    ...write,
    value: write.value[member],
    before: write.before?.[member],
  })
  return {
    async complete(value, { before, ...rest }) {
      const completed = await complete?.(value[member], { ...rest, before: before?.[member] })
      return completed === undefined ? value : { ...value, [member]: completed }
    },
    async check(write) {
      const faults = (await check?.(inside(write))) ?? []
      return faults.map((fault) => faultWithin(member, fault))
    },
    async afterRow(write) {
      await afterRow?.(inside(write))
    },
  }
}
