import { describe, expect, it } from 'vitest'
import { readDatabaseUrl } from './url.ts'

describe('the URL of a database', () => {
  it.each([
    ['sqlite:data/pointsman.db', 'data/pointsman.db'],
    ['sqlite:./x', './x'],
    ['sqlite:../file:x', '../file:x'],
    ['sqlite:a folder/x.db', 'a folder/x.db'],
    ['sqlite:100%.db', '100%.db'],
    ['sqlite:/srv/x.db', '/srv/x.db'],
    ['sqlite:///srv/x.db', '/srv/x.db'],
    ['sqlite:////srv/x.db', '/srv/x.db'],
    ['sqlite:C:\\data\\x.db', 'C:\\data\\x.db'],
  ])('%s is the file %s', (url, path) => {
    expect(readDatabaseUrl(url)).toEqual({ engine: 'sqlite', path })
  })

  it.each(['postgres://host/name', 'postgresql://user:p4ss@one,two:1/name?sslmode=require'])(
    '%s is PostgreSQL',
    (url) => {
      expect(readDatabaseUrl(url)).toEqual({ engine: 'postgres' })
    },
  )

  it.each([
    ['', 'is neither sqlite:PATH nor postgres://…'],
    ['x.db', 'is neither sqlite:PATH nor postgres://…'],
    ['file:x.db', 'is neither sqlite:PATH nor postgres://…'],
    ['"sqlite:x.db"', 'is neither sqlite:PATH nor postgres://…'],
    ['sqlite3:x.db', 'is neither sqlite:PATH nor postgres://…'],
    ['mysql://host/name', 'is neither sqlite:PATH nor postgres://…'],
    ['postgres:name', 'is neither sqlite:PATH nor postgres://…'],
    ['postgres://', 'is neither sqlite:PATH nor postgres://…'],
    ['sqlite:', 'folder'],
    ['sqlite://x.db', 'names a host'],
    ['sqlite://localhost/srv/x.db', 'names a host'],
    ['sqlite://', 'names a host'],
    ['sqlite:///', 'folder'],
    ['sqlite::memory:', 'in memory'],
    ['sqlite:file::memory:?cache=shared', 'is a file: URL'],
    ['sqlite:file:x.db', 'is a file: URL'],
    ['sqlite:file:///srv/x.db', 'is a file: URL'],
    ['sqlite:x.db?mode=memory', 'in memory'],
    ['sqlite:x.db?mode=ro', 'has a query'],
    ['sqlite:x.db#1', 'has a query or fragment'],
    ['sqlite:///srv/my%20data/x.db', 'percent-escapes'],
    ['sqlite:   ', 'space'],
    ['sqlite:x.db ', 'space'],
    ['sqlite:x.db\n', 'space'],
    ['sqlite:x\0.db', 'control character'],
    ['sqlite:~/x.db', 'shell'],
    ['sqlite:$HOME/x.db', 'shell'],
    ['sqlite:data/', 'folder'],
    ['sqlite:/', 'folder'],
    ['sqlite:.', 'folder'],
    ['sqlite:data/..', 'folder'],
  ])('%j is refused: it %s', (url, problem) => {
    expect(readDatabaseUrl(url)).toContain(problem)
  })
})
