import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadMigrations, pendingMigrations } from './migrations.ts'

let folder: string

function files(...names: string[]): void {
  for (const name of names) writeFileSync(join(folder, name), `-- ${name}`)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-migrations-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the folder of migrations', () => {
  it.each([
    ['misnamed', ['0001-first.sql', '2-second.sql']],
    ['not SQL', ['0001-first.sql', 'README.md']],
    ['without what it does', ['0001.sql']],
    ['for one engine and beside none', ['0001-first.sql', '0002-second.postgres.sql']],
    ['for an unknown engine', ['0001-first.sql', '0001-first.oracle.sql']],
  ])('is refused with a file that is %s', (_, names) => {
    files(...names)
    expect(() => loadMigrations(folder)).toThrow(`Migration ${names.at(-1)} is not named`)
  })

  it.each([
    ['missing', ['0001-first.sql', '0003-third.sql'], 2],
    ['doubled', ['0001-first.sql', '0001-other.sql'], 2],
    ['not the first', ['0002-second.sql'], 1],
  ])('is refused with a number that is %s', (_, names, number) => {
    files(...names)
    expect(() => loadMigrations(folder)).toThrow(`should be number ${number}`)
  })

  it('is read in order', () => {
    files('0002-second.sql', '0001-first.sql')
    expect(loadMigrations(folder)).toEqual([
      { version: 1, name: 'first', sql: '-- 0001-first.sql', own: {} },
      { version: 2, name: 'second', sql: '-- 0002-second.sql', own: {} },
    ])
  })

  it('has beside a migration what only one engine needs', () => {
    files('0001-first.sql', '0001-first.postgres.sql', '0002-second.sql', '0002-second.sqlite.sql')
    expect(loadMigrations(folder).map(({ own }) => own)).toEqual([
      { postgres: '-- 0001-first.postgres.sql' },
      { sqlite: '-- 0002-second.sqlite.sql' },
    ])
  })

  it('of the program itself is in order', () => {
    expect(loadMigrations().length).toBeGreaterThan(0)
  })
})

/** What nodes of the version before, which go on serving meanwhile, do not notice. */
const additions = [
  /^CREATE (TABLE|INDEX|UNIQUE INDEX|VIEW) /,
  /^ALTER TABLE \w+ ADD COLUMN (?!.*\bNOT NULL\b)/,
  /^ALTER TABLE \w+ ADD COLUMN .*\bNOT NULL DEFAULT\b/,
  /^UPDATE /,
  /^INSERT INTO /,
]

/** The schema of the first version: up to here no older node is there to notice anything. */
const firstSchema = 5

/** What nodes that know only the tables before it would notice of a migration. */
function noticed(sql: string): string[] {
  const statements = sql
    .replaceAll(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.replaceAll(/\s+/g, ' ').trim())
    .filter(Boolean)
  const made = statements.flatMap((statement) => /^CREATE TABLE (\w+)/.exec(statement)?.[1] ?? [])
  // A table that is made anew under its name takes what they write by defaults, as a test of its own tells.
  const anew = new Set(
    statements.flatMap((statement) => {
      const [, before = '', after] = /^ALTER TABLE (\w+) RENAME TO (\w+)$/.exec(statement) ?? []
      return made.includes(before) ? [statement, `DROP TABLE ${after}`] : []
    }),
  )
  // They delete rows without knowing of those that refer to them.
  const references = [...sql.matchAll(/REFERENCES (\w+)(\s*(?:\([^)]*\))?[^,;]*)/g)].filter(
    ([, table = '', rest = '']) =>
      !made.includes(table) && !/ON DELETE (?:CASCADE|SET NULL)/.test(rest),
  )
  return [
    ...statements.filter(
      (statement) => !anew.has(statement) && !additions.some((one) => one.test(statement)),
    ),
    ...references.map(([reference]) => reference.trim()),
  ]
}

describe('a migration goes unnoticed by nodes of the version before', () => {
  it.each([
    'CREATE TABLE more (id TEXT PRIMARY KEY)',
    'CREATE INDEX more_id ON more (id)',
    'ALTER TABLE users ADD COLUMN nickname TEXT',
    "ALTER TABLE users ADD COLUMN nickname TEXT NOT NULL DEFAULT ''",
    'CREATE TABLE more (id TEXT REFERENCES users (user_key) ON DELETE CASCADE)',
    'CREATE TABLE more (a TEXT, b TEXT, FOREIGN KEY (a, b) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE)',
    'CREATE TABLE more (id TEXT, other TEXT REFERENCES more (id))',
    'ALTER TABLE users RENAME TO old; CREATE TABLE users (id TEXT); DROP TABLE old',
  ])('when it says %s', (sql) => {
    expect(noticed(sql)).toEqual([])
  })

  it.each([
    'DROP TABLE users',
    'ALTER TABLE users RENAME COLUMN value TO text',
    'ALTER TABLE users RENAME TO people',
    'ALTER TABLE users ADD COLUMN nickname TEXT NOT NULL',
    'CREATE TABLE more (id TEXT REFERENCES users (user_key))',
    'CREATE TABLE more (a TEXT, b TEXT, FOREIGN KEY (a, b) REFERENCES announcements (group_key, name))',
  ])('but not when it says %s', (sql) => {
    expect(noticed(sql)).toHaveLength(1)
  })

  it('as each one of ours does since the first version', () => {
    const later = loadMigrations().filter(({ version }) => version > firstSchema)
    expect(later.flatMap(({ sql }) => noticed(sql))).toEqual([])
  })
})

describe('the migrations that a database lacks', () => {
  const migrations = [1, 2, 3].map((version) => ({ version, name: 'x', sql: '' }))

  it.each([
    [0, [1, 2, 3]],
    [2, [3]],
    [3, []],
  ])('are, at schema %i, %j', (version, pending) => {
    expect(pendingMigrations(migrations, version).map(({ version }) => version)).toEqual(pending)
  })

  it('cannot be told for a database of a newer program', () => {
    expect(() => pendingMigrations(migrations, 4)).toThrow('start a newer Pointsman')
  })
})
