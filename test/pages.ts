import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'

/** The text of a page of ours. */
export function readPage(page: string): string {
  return readFileSync(join(import.meta.dirname, '..', page), 'utf8')
}

/** The rows of the table below a heading of a page, the first unless told, without those of its head. */
export function rowsOf(page: string, heading: string, table = 0): string[][] {
  const parts = page.split(/^#+ (.+)\n/m)
  const own = parts[parts.indexOf(heading) + 1] ?? ''
  const tables = own.match(/(?:^\|.*\|\n)+/gm) ?? []
  return (tables[table] ?? '')
    .trim()
    .split('\n')
    .slice(2)
    .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| ?| ?\|$/g, '').trim()))
}

/** The words that stand in code. */
export const codeIn = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)

interface Block {
  command: string
  /** As printed below the command; undefined where nothing is. */
  answer: unknown
}

/** The `sh` blocks of a text, each with the `json` block that follows it. */
export function blocksOf(text: string): Block[] {
  const blocks = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, language, content = '']) => ({ language, content }),
  )
  return blocks.flatMap(({ language, content }, index) => {
    if (language !== 'sh') return []
    const next = blocks[index + 1]
    const answer = next?.language === 'json' ? JSON.parse(next.content) : undefined
    return [{ command: content, answer }]
  })
}

/** `…` in a page stands for a text or number that differs each time. */
export function expected(answer: unknown): unknown {
  if (answer === '…') return expect.toBeOneOf([expect.any(String), expect.any(Number)])
  if (Array.isArray(answer)) return answer.map(expected)
  if (typeof answer !== 'object' || answer === null) return answer
  return Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, expected(value)]))
}

/** Better a failure that says what to do than a page that nobody has tried. */
export function requireCurl(): void {
  if (spawnSync('curl', ['--version']).status === 0) return
  throw new Error(
    'curl is not installed, and the examples of the documentation are curl commands. ' +
      'Install curl, or leave these tests out with WITHOUT_CURL=1.',
  )
}
