import { expect } from 'vitest'
import { sql } from '../src/database/database.ts'
import type { Answer, Person, World } from './world.ts'

let keys = 0
/** A key that no other test has. */
export function newKey(): string {
  keys += 1
  return `key-of-a-test-${String(keys).padStart(6, '0')}`
}

export const named = (key: string) => ({ 'idempotency-key': key })

/** All of an answer that a client acts upon. */
export function essence({ status, headers, text }: Answer) {
  const { location, etag, 'content-type': type } = headers
  return { status, location, etag, type, text }
}

export const isReplay = ({ headers }: Answer) => headers['idempotent-replay'] !== undefined

export function expectReplay(answer: Answer, first: Answer): void {
  expect(essence(answer)).toEqual(essence(first))
  expect(answer.headers['idempotent-replay']).toBe('true')
  expect(isReplay(first)).toBe(false)
}

const countChanges = sql<{ count: number }>('SELECT count(*) AS count FROM changes')

export async function changes(world: World): Promise<number> {
  return Number((await world.database.get(countChanges))?.count)
}

/** Asks for what must succeed before a test goes on. */
export async function must(
  world: World,
  who: Person,
  [method, url, body]: [method: string, url: string, body?: object],
): Promise<Answer> {
  const answer = await world.ask(who, method, url, body)
  expect(answer.status, `${method} ${url} ${answer.text}`).toBeLessThan(300)
  return answer
}
