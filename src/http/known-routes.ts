import type { FastifyInstance } from 'fastify'

/** The parts of a path, which may or may not end in a slash. */
function segmentsOf(path: string): string[] {
  return path.replace(/^\/|\/$/g, '').split('/')
}

function fits(pattern: string, path: readonly string[]): boolean {
  const segments = segmentsOf(pattern)
  return (
    segments.length === path.length &&
    segments.every((segment, index) =>
      segment.startsWith(':') ? path[index] !== '' : segment === path[index],
    )
  )
}

/**
 * Keeps which methods each path has, to tell a wrong method from a wrong path. Answers a function from a URL to the
 * methods of its path; none when no route has it.
 */
export function rememberRoutes(app: FastifyInstance): (url: string) => string[] {
  const routes = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = routes.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    routes.set(url, methods)
  })
  return (url) => {
    const path = segmentsOf(url.split('?', 1)[0] ?? '')
    for (const [pattern, methods] of routes) {
      if (fits(pattern, path)) return [...methods].sort()
    }
    return []
  }
}
