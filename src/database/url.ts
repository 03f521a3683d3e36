/** Where a database lies. */
export type DatabasePlace = { engine: 'sqlite'; path: string } | { engine: 'postgres' }

/**
 * SQLite's own URLs, those of other programs, and what only a shell understands: as the path of a file each would make a file
 * that nobody looks for, or a database that is gone at the end.
 */
const misunderstandings: readonly [RegExp, string][] = [
  [/^\/\/(?!\/)/, 'names a host: write sqlite:PATH, or sqlite:///PATH for one from the root'],
  [/^:|mode=memory/i, 'asks for a database in memory, which would be lost at the end'],
  [/^file:/i, 'is a file: URL: write sqlite:PATH'],
  [/^\s|\s$|\p{Cc}/u, 'begins or ends with a space, or has a control character'],
  [/^~/, 'begins with ~, which only a shell understands: write the whole path'],
  [/[$`]/, 'has a variable, which only a shell understands: write the whole path'],
  [/[?#]/, 'has a query or fragment: write only the path of the file'],
  [/%[\da-f]{2}/i, 'has percent-escapes: write the path as it is'],
  [/(?:^|\/)\.{0,2}$/, 'is that of a folder: name the file in it'],
]

/**
 * Judges a database URL by its text alone.
 *
 * @returns what is wrong with it, to be read behind its name. It does not show the URL, which may hold a password.
 */
export function readDatabaseUrl(url: string): DatabasePlace | string {
  if (/^postgres(?:ql)?:\/\/./.test(url)) return { engine: 'postgres' }
  const [, path] = /^sqlite:(.*)$/s.exec(url) ?? []
  if (path === undefined) return 'is neither sqlite:PATH nor postgres://…'
  const [, problem] = misunderstandings.find(([pattern]) => pattern.test(path)) ?? []
  if (problem !== undefined) return problem
  return { engine: 'sqlite', path: path.replace(/^\/{3,}/, '/') }
}
