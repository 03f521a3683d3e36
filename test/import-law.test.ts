import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

/** The floor knows nothing of the domain: each part with the parts that it may import, lowest first. */
const floor: Record<string, readonly string[]> = {
  addresses: [],
  errors: [],
  files: [],
  database: ['errors'],
  config: ['database'],
  documents: ['errors'],
  engines: ['documents', 'errors', 'files'],
  asterisk: ['addresses', 'engines'],
  log: ['config'],
  http: ['addresses', 'config', 'database', 'documents', 'errors'],
  outbound: ['addresses', 'errors', 'http'],
  metrics: ['database', 'engines', 'http'],
  writes: ['database', 'documents', 'errors', 'http'],
  resources: ['database', 'documents', 'errors', 'http', 'writes'],
  api: ['config', 'database', 'resources'],
}

/** Which features a feature may import, besides the floor; lowest first, so that there is no cycle. */
const features: Record<string, readonly string[]> = {
  health: [],
  tenants: [],
  groups: ['tenants'],
  departments: ['groups'],
  identities: ['groups'],
  agents: [],
  numbers: ['groups'],
  admins: ['departments', 'groups', 'identities', 'tenants'],
  users: ['departments', 'groups', 'identities', 'numbers'],
  announcements: ['groups'],
  'disposition-codes': ['groups', 'tenants'],
  'route-points': [
    'agents',
    'announcements',
    'departments',
    'disposition-codes',
    'groups',
    'identities',
    'numbers',
    'tenants',
    'users',
  ],
  changes: ['groups', 'route-points', 'tenants'],
  media: ['announcements', 'route-points'],
  calls: ['agents', 'disposition-codes', 'groups', 'media', 'numbers', 'route-points', 'users'],
  webhooks: ['calls', 'groups', 'route-points'],
}

/** They put the parts together, so they may import every one. */
const roots = ['app', 'commands', 'main']

/** Packages that speak to an engine; `database` hides which one it is. */
const enginePackages = ['better-sqlite3', 'pg']

/** A file that no longer fits a head; a table of cases is longer and still read at once. */
const linesMax = { source: 400, test: 600 }

interface Import {
  from: string
  /** A file below `src`, or the name of a package. */
  to: string
  /** `import type` leaves nothing to load. */
  isLoaded: boolean
}

const root = join(import.meta.dirname, '..')

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
    .sort()
}

const read = (file: string) => readFileSync(join(root, file), 'utf8')
const isTest = (file: string) => file.endsWith('.test.ts')
const sources = filesBelow('src').filter((file) => !isTest(file))

const importStatement =
  /^(?:import|export)\s+(?:(type)\s)?(?:[^'"]*?\sfrom\s+)?'([^']+)'|\bimport\('([^']+)'\)/gm

function importsOf(from: string): Import[] {
  return [...read(from).matchAll(importStatement)].map(([, type, named, loaded]) => {
    const target = named ?? loaded ?? ''
    const to = target.startsWith('.') ? join(dirname(from), target) : target
    return { from, to, isLoaded: type === undefined }
  })
}

const imports = sources.flatMap(importsOf)

/** `src/features/users/users.ts` is of `users`, `src/http/answer.ts` of `http`, `src/errors.ts` of `errors`. */
function partOf(file: string): string | undefined {
  const [folder, part, feature] = file.replace(/\.ts$/, '').split('/')
  if (folder !== 'src') return undefined
  return part === 'features' ? feature : part
}

interface Arrow {
  from: string
  to: string
}

/** The imports from one part to another, with the parts' names. */
const arrows = imports.flatMap(({ from, to }): Arrow[] => {
  const parts = { from: partOf(from) ?? '', to: partOf(to) ?? '' }
  return parts.to === '' || parts.from === parts.to || roots.includes(parts.from) ? [] : [parts]
})

function isDeclared({ from, to }: Arrow): boolean {
  const declared = floor[from] ?? features[from] ?? []
  return declared.includes(to) || (Object.hasOwn(features, from) && Object.hasOwn(floor, to))
}

/** The files that a file loads, and so on, as long as they are not known to be free of a cycle. */
function findCycle(file: string, line: readonly string[], free: Set<string>): string[] | undefined {
  if (line.includes(file)) return [...line.slice(line.indexOf(file)), file]
  if (free.has(file)) return undefined
  for (const { from, to, isLoaded } of imports) {
    if (from !== file || !isLoaded) continue
    const cycle = findCycle(to, [...line, file], free)
    if (cycle) return cycle
  }
  free.add(file)
  return undefined
}

describe('the law of imports', () => {
  it('knows every part of the source', () => {
    const known = [floor, features].flatMap((parts) => Object.keys(parts))
    const parts = new Set(sources.map((file) => partOf(file) ?? ''))
    expect([...parts].sort()).toEqual([...known, ...roots].sort())
  })

  it('allows every import, and names no arrow that nobody uses', () => {
    const named = (from: string, to: string) => `${from} → ${to}`
    const undeclared = arrows.filter((arrow) => !isDeclared(arrow))
    expect(undeclared.map(({ from, to }) => named(from, to))).toEqual([])
    const used = new Set(arrows.map(({ from, to }) => named(from, to)))
    const declared = Object.entries({ ...floor, ...features }).flatMap(([from, all]) =>
      all.map((to) => named(from, to)),
    )
    expect(declared.filter((arrow) => !used.has(arrow))).toEqual([])
  })

  it('has no cycle: a part imports only what stands before it', () => {
    for (const parts of [floor, features]) {
      const order = Object.keys(parts)
      for (const [from, targets] of Object.entries(parts)) {
        for (const to of targets) expect(order.indexOf(to)).toBeLessThan(order.indexOf(from))
      }
    }
  })

  it('has no files that load each other', () => {
    const free = new Set<string>()
    for (const file of sources) expect(findCycle(file, [], free)).toBeUndefined()
  })

  it('lets only the database know an engine, and nobody but the roots import a root', () => {
    for (const { from, to } of imports) {
      if (enginePackages.includes(to)) expect(partOf(from), from).toBe('database')
      if (roots.includes(partOf(to) ?? '')) expect(roots, from).toContain(partOf(from))
    }
  })

  it('keeps the engines apart: what both need stands above them, and only what opens a database chooses one', () => {
    const engineOf = (file: string) => /^src\/database\/(sqlite|postgres)\//.exec(file)?.[1]
    for (const { from, to } of imports) {
      if (engineOf(to) === undefined || engineOf(from) === engineOf(to)) continue
      expect(from, to).toBe('src/database/open.ts')
    }
  })

  it('lets only the root choose what keeps route points', () => {
    const own = 'src/features/route-points/in-database/'
    for (const { from, to } of imports) {
      if (to.startsWith(own) && !from.startsWith(own)) expect(from, to).toBe('src/app.ts')
    }
  })

  it('lets what HTTP is name a database, and load none', () => {
    const loaded = imports.filter(({ from, isLoaded }) => partOf(from) === 'http' && isLoaded)
    expect(loaded.filter(({ to }) => partOf(to) === 'database')).toEqual([])
  })

  it('lets only main read the environment', () => {
    for (const file of sources) {
      if (file === 'src/main.ts') continue
      expect(read(file).includes('process.env'), file).toBe(false)
    }
  })
})

/**
 * What begins a write by itself, and why: the others take the door's `Work`, so that the compiler refuses a write of an
 * unconfirmed caller. `expiry` writes to the database that it is given.
 */
const writers = [
  // The door itself; what ends by itself or grows old; a copy, which is made before anybody uses it.
  'src/writes/door.ts: database',
  'src/writes/expiry.ts: database',
  'src/writes/prune.ts: database',
  'src/writes/room-for-answers.ts: database',
  'src/database/copy.ts: target',
  // What happens to a call is nobody's request.
  'src/features/calls/live/leases/rows.ts: database',
  'src/features/calls/live/presence.ts: database',
  'src/features/calls/live/survey.ts: database',
  // Figures are made, and what is old goes, in the background.
  'src/features/calls/records/prune.ts: database',
  'src/features/calls/records/roll.ts: database',
  'src/features/calls/live/treatment.ts: database',
  // Whoever signs in or out is nobody's confirmed caller.
  'src/features/identities/attempts.ts: expiry',
  'src/features/identities/sessions.ts: database',
  'src/features/identities/sessions.ts: expiry',
  'src/features/identities/sign-in-record.ts: database',
  // What webhooks send, they send by themselves.
  'src/features/webhooks/claims.ts: database',
  'src/features/webhooks/noting.ts: database',
  'src/features/webhooks/tidy.ts: database',
  // What was fetched from the web is no caller's.
  'src/features/media/kept-copies.ts: database',
  // Uses of a token are noted while it is found out whose it is.
  'src/features/identities/tokens.ts: database',
]

/** Bytes are written to these. */
const notDatabases = ['file', 'header', 'sink', 'stdout', 'stream']

describe('the law of writes', () => {
  it('lets nobody begin one but the door, and those that have no caller', () => {
    const found = sources.flatMap((file) => {
      expect(read(file), file).not.toMatch(/\bwrite\b[^{}()=]*\} = (?:\w+\.)?database\b/)
      const receivers = [...read(file).matchAll(/(\w+)\??\.write[<(]/g)].map(
        ([, name]) => name ?? '',
      )
      const databases = receivers.filter((name) => name !== 'door' && !notDatabases.includes(name))
      return databases.map((name) => `${file}: ${name}`)
    })
    expect([...new Set(found)].sort()).toEqual([...writers].sort())
  })
})

describe('the law of bodies', () => {
  it('lets nobody alter what a request brought but what reads its file', () => {
    const altered = /\.body = |\bbody(?:\.\w+|\[[^\]]+\]) = /
    expect(sources.filter((file) => altered.test(read(file)))).toEqual(['src/http/form.ts'])
  })
})

describe('the files', () => {
  it('fit a head', () => {
    for (const file of [...filesBelow('src'), ...filesBelow('test')]) {
      const most = isTest(file) || file.startsWith('test/') ? linesMax.test : linesMax.source
      expect(read(file).split('\n').length, file).toBeLessThanOrEqual(most)
    }
  })

  it('leave no test out', () => {
    for (const file of [...filesBelow('src'), ...filesBelow('test')].filter(isTest)) {
      expect(read(file), file).not.toMatch(/\b(?:describe|it|test)(?:\.\w+)*\.(?:only|skip|todo)\b/)
    }
  })
})
