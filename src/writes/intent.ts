import { createHmac, hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Upload } from '../documents/upload.ts'
import type { Caller } from '../http/permissions.ts'
import { isDryRun } from '../http/query.ts'
import { readRetryKey } from '../http/retry-key.ts'

/** Under what the answer to a write is kept. Neither the key nor the request can be found from it. */
export interface Retry {
  keyHash: string
  /** A body may hold a password, so its hash is one that only the key can make. */
  requestHash: string
}

/** Who wants to write, and in which way: a request, or the program itself. */
export interface Intent {
  caller: Caller
  /** All is judged and nothing kept. */
  isDryRun: boolean
  /** Where the client may send the same request again, not knowing whether it was done. */
  retry: Retry | undefined
  /** The client's address, and the request's id, as in the log; undefined where nobody asked. */
  address: string | undefined
  requestId: string | undefined
}

/**
 * A JSON value with the members of objects in one order, marked so that none is taken for a list; of a file its hash. The
 * parser bounds how deep it can be.
 */
function canonical(value: unknown): unknown {
  if (value instanceof Upload) return { bytes: value.size, hashes: value.pieces.map(hashOf) }
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return { members: members.map(([name, member]) => [name, canonical(member)]) }
}

function hashOf(bytes: string | Uint8Array): string {
  return hash('sha256', bytes, 'base64url')
}

/** What lets somebody write: with other rights the same request is another one, since its kept answer was not judged by them. */
function rightsOf({ level, tenantKey, groupKey, departmentName }: Caller) {
  return [level, tenantKey, groupKey, departmentName]
}

function retryOf({ caller, headers, method, url, body }: FastifyRequest): Retry | undefined {
  const key = readRetryKey(headers)
  if (key === undefined) return undefined
  const request = JSON.stringify([method, url, canonical(body), rightsOf(caller)])
  return {
    keyHash: hashOf(key),
    requestHash: createHmac('sha256', key).update(request).digest('base64url'),
  }
}

/** @throws Refusal 2 for an Idempotency-Key that is none. */
export function intentOf(request: FastifyRequest): Intent {
  const { caller, address, id } = request
  const isOnlyTried = isDryRun(request)
  return {
    caller,
    isDryRun: isOnlyTried,
    // What is only tried changes nothing, so there is no answer to keep, and none of an earlier write to give.
    retry: isOnlyTried ? undefined : retryOf(request),
    address,
    requestId: id,
  }
}

/** What the program writes by itself. */
export function ownIntent(caller: Caller): Intent {
  return { caller, isDryRun: false, retry: undefined, address: undefined, requestId: undefined }
}
