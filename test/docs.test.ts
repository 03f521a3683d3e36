import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import type { OpenApi } from '../src/http/openapi/document.ts'

const root = dirname(import.meta.dirname)
const pages = globSync('**/*.md', { cwd: root, exclude: ['node_modules/**'] }).sort()

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

/** What a browser of the repository makes of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}

function anchorsOf(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
}

function linksOf(page: string): string[] {
  const text = read(page).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '')
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}

/** Whether a link of `page` leads somewhere. */
function resolves(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#', 2)
  const target = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, target))) return false
  return anchor === undefined || anchorsOf(target).includes(anchor)
}

/** Files and folders of the repository. */
const places = globSync('**/*', { cwd: root, exclude: ['node_modules/**', 'data/**'] })

/** What a page calls a file or a folder: words in code with a slash or a file's ending, but for those of other places. */
function placesIn(page: string): string[] {
  return [...read(page).matchAll(/`([^`\n]+)`/g)]
    .flatMap(([, words = '']) => words.split(' '))
    .filter((word) => /^[\w./-]*(?:\/[\w./-]*|\.(?:ts|mjs|json|md|sql))$/.test(word))
    .filter((word) => word !== 'data/')
}

/** Whether there is such a place: from the root, or within the folder that is spoken of. */
function isPlace(word: string): boolean {
  const path = word.replace(/\/$/, '')
  const [first = ''] = path.split('/')
  if (existsSync(join(root, first))) return existsSync(join(root, path))
  return places.some((place) => place.endsWith(`/${path}`))
}

const scripts = Object.keys(packageJson.scripts)

/** The scripts of package.json that a page tells people to run. */
function scriptsIn(page: string): string[] {
  const commands = read(page).matchAll(/\bnpm (?:run ([a-z][a-z:-]*)|(start|test)\b)/g)
  return [...commands].map(([, script, shorthand]) => script ?? shorthand ?? '')
}

interface Lock {
  packages: Record<string, { optionalDependencies?: Record<string, string> }>
}

describe.each(pages)('%s', (page) => {
  it('has no dead link within the repository', () => {
    expect(linksOf(page).filter((link) => !resolves(page, link))).toEqual([])
  })

  it('names only npm scripts that exist', () => {
    expect(scriptsIn(page).filter((script) => !scripts.includes(script))).toEqual([])
  })

  it('names no folder of the machine that it was written on', () => {
    expect(
      read(page).match(/(?:^|[\s`'"(])(?:\/(?:home|root|tmp|work|Users)\/|[A-Z]:\\)/m),
    ).toBeNull()
  })
})

describe.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s', (page) => {
  it('names only files and folders that exist', () => {
    const named = placesIn(page)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((word) => !isPlace(word))).toEqual([])
  })
})

describe('what a stranger needs', () => {
  it('stands in the README: install, start, test, demo', () => {
    expect(read('README.md')).toContain('npm ci && npm start')
    expect(read('README.md')).toContain('npm ci && npm test')
    expect(scriptsIn('README.md')).toEqual(expect.arrayContaining(['start', 'test', 'demo']))
  })

  it('has a changelog with a place for what is not released', () => {
    expect(read('CHANGELOG.md')).toMatch(/^## \[Unreleased\]$/m)
  })

  it('installs from whatever registry is configured: the lock names no address', () => {
    expect(read('package-lock.json')).not.toContain('"resolved"')
  })

  it('installs on every platform: the lock has each optional package', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as Lock
    const locked = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)))
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    )
    expect(wanted.filter((name) => !locked.has(name))).toEqual([])
  })

  it('starts a file that is there with every script', () => {
    const files = Object.values(packageJson.scripts).flatMap(
      (script) => script.match(/\S+\.ts\b/g) ?? [],
    )
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
  })

  it('runs our code on the Node of the repository, whatever npm has linked', () => {
    const ours = Object.values(packageJson.scripts).filter((script) => /\.ts\b|vitest/.test(script))
    expect(ours.filter((script) => !script.startsWith('exec scripts/with-node '))).toEqual([])
  })

  it('finds every script described where people learn to work here', () => {
    const described = scriptsIn('CONTRIBUTING.md')
    expect(scripts.filter((script) => !described.includes(script))).toEqual([])
  })
})

describe('what is told of a refusal', () => {
  it('names whatever can bring it: too many attempts to sign in, too many streams', () => {
    const { paths, components }: OpenApi = JSON.parse(read('openapi.json'))
    const limited = Object.values(paths)
      .flatMap((methods) => Object.values(methods))
      .filter(({ responses }) => '429' in responses)
      .map(({ operationId }) => (operationId.startsWith('stream') ? 'streams' : 'sign in'))
    expect(new Set(limited)).toEqual(new Set(['sign in', 'streams']))
    const [line = ''] = /^\| 429 \|.*$/m.exec(read('docs/errors.md')) ?? []
    const told = JSON.stringify(components.responses?.TooManyRequests)
    for (const words of limited) {
      expect(line).toContain(words)
      expect(told).toContain(words)
    }
  })
})
