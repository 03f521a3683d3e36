import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** More members than a reader keeps apart. */
const membersMax = 15

const root = join(import.meta.dirname, '..')

/** An operation tells what OpenAPI's Operation Object does, and is flat as that one is. */
const larger = ['Operation']

/** The formatter puts each member of an interface on a line of its own, indented by two spaces. */
function interfacesIn(text: string): { name: string; members: number }[] {
  const declarations = text.matchAll(/^(?:export )?interface (\w+)[^{]*\{\n(.*?)^\}/gms)
  return [...declarations].map(([, name = '', body = '']) => ({
    name,
    members: body.match(/^ {2}(?:readonly )?[\w[]/gm)?.length ?? 0,
  }))
}

function interfacesBelow(folder: string): { name: string; members: number }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .flatMap((file) => interfacesIn(readFileSync(join(root, folder, file), 'utf8')))
}

describe('the interfaces', () => {
  it(`have at most ${membersMax} members`, () => {
    const interfaces = interfacesBelow('src')
    // As many as the resource has, to tell that they are counted.
    expect(interfaces).toContainEqual({ name: 'Resource', members: 14 })
    const found = interfaces.filter(({ members }) => members > membersMax)
    expect(found.map(({ name }) => name)).toEqual(larger)
  })
})
