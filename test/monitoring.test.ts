import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { AriServer, engineEntry } from './ari-server.ts'
import { type Program, signIn, startProgram } from './program.ts'
import { findProgram } from './programs.ts'

const deploy = join(import.meta.dirname, '..', 'deploy')
const files = ['prometheus-rules.yaml', 'prometheus-rules.test.yaml', 'grafana-dashboard.json']
const password = 'correct horse battery'

interface Panel {
  id: number
  title: string
  type: string
  datasource: object
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { refId: string; expr: string; datasource: object }[]
}
interface Dashboard {
  panels: Panel[]
  annotations: { list: { expr: string }[] }
  templating: { list: { name: string; type: string; query: string | { query: string } }[] }
}

const dashboard: Dashboard = JSON.parse(
  readFileSync(join(deploy, 'grafana-dashboard.json'), 'utf8'),
)
const { panels, templating, annotations } = dashboard
const queries = [...panels.flatMap(({ targets }) => targets), ...annotations.list].map(
  ({ expr }) => expr,
)

let folder: string
let program: Program
let ari: AriServer
let scrape: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-monitoring-'))
  ari = await AriServer.open()
  writeFileSync(join(folder, 'password'), password)
  writeFileSync(join(folder, 'engines.json'), JSON.stringify([engineEntry({ url: ari.url })]))
  program = await startProgram({
    DATABASE_URL: `sqlite:${join(folder, 'test.db')}`,
    MEDIA_FOLDER: join(folder, 'media'),
    ADMIN_PASSWORD: password,
    ENGINES: join(folder, 'engines.json'),
  })
  await signIn(program.url, 'admin', password)
  for (const path of ['/healthz', '/readyz']) await fetch(`${program.url}${path}`)
  await vi.waitFor(async () => {
    scrape = await (await fetch(program.metricsUrl)).text()
    expect(scrape).toMatch(/^pointsman_engine_ready.* 1$/m)
  }, 20_000)
})
afterAll(async () => {
  program.signal('SIGKILL')
  await program.ended
  await ari.close()
  rmSync(folder, { recursive: true })
})

/** Names as queries write them: of a histogram its series. */
function exposedNames(): Set<string> {
  const types = [...scrape.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['bucket', 'sum', 'count'].map((part) => `${name}_${part}`) : name,
    ),
  )
}

describe.each(files)('deploy/%s', (file) => {
  const text = readFileSync(join(deploy, file), 'utf8')

  it('names only metrics that the program tells', () => {
    const named = new Set(text.match(/\b(?:pointsman|process|nodejs)_\w+/g))
    const exposed = exposedNames()
    expect(named.size).toBeGreaterThan(2)
    expect([...named].filter((name) => !exposed.has(name))).toEqual([])
  })

  it('names only routes and labels that its metrics have', () => {
    const routes = text.match(/(?<=route=\\?")[^"\\]+/g) ?? []
    expect(
      routes.filter((route) => !scrape.includes(`route="${route}"`) && !documented(route)),
    ).toEqual([])
    const outcomes = [...text.matchAll(/outcome=~?\\?"([\w|]+)/g)].flatMap(([, values = '']) =>
      values.split('|'),
    )
    expect(outcomes.filter((outcome) => !scrape.includes(`outcome="${outcome}"`))).toEqual([])
    const scraped = new Set([...scrape.matchAll(/[{,](\w+)="/g)].map(([, label]) => label))
    const grouped = [...text.matchAll(/\bby \(([\w, ]+)\)/g)].flatMap(([, labels = '']) =>
      labels.split(', '),
    )
    // A connection that is ended is counted by its reason, and none has been.
    const own = ['job', 'instance', 'reason']
    expect(grouped.filter((label) => !scraped.has(label) && !own.includes(label))).toEqual([])
  })
})

/** A route that nobody has asked for yet is in the API's description. */
function documented(route: string): boolean {
  const { paths } = JSON.parse(readFileSync(join(deploy, '..', 'openapi.json'), 'utf8'))
  return Object.hasOwn(paths, route)
}

describe('what runs', () => {
  it('is told by its versions', () => {
    const { version } = packageJson
    const node = process.versions.node
    expect(scrape).toContain(`pointsman_build_info{version="${version}",node="${node}"} 1\n`)
  })
})

describe('the dashboard', () => {
  it('asks the data source that is chosen in it, everywhere', () => {
    const [source] = templating.list
    expect(source).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' })
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own way to write a variable
    const chosen = { type: 'prometheus', uid: '${datasource}' }
    for (const { datasource, targets } of panels) {
      for (const one of [datasource, ...targets.map((target) => target.datasource)]) {
        expect(one).toEqual(chosen)
      }
    }
  })

  it('uses only variables that it has', () => {
    const known = [...templating.list.map(({ name }) => name), '__rate_interval']
    const used = queries.flatMap((expr) =>
      [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name),
    )
    expect(used.filter((name = '') => !known.includes(name))).toEqual([])
  })

  it('has each panel in a place of its own, within the page', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })
})

const promtool = findProgram('promtool')
describe.skipIf(promtool === undefined)('promtool', () => {
  const run = (...parameters: string[]) => promisify(execFile)(promtool ?? '', parameters)

  it('takes the rules, which speak when they should and only then', async () => {
    await run('check', 'rules', join(deploy, 'prometheus-rules.yaml'))
    await run('test', 'rules', join(deploy, 'prometheus-rules.test.yaml'))
  })

  it('understands every query of the dashboard', async () => {
    const file = join(folder, 'queries.yaml')
    const filled = queries.map((expr) => expr.replaceAll('$__rate_interval', '5m'))
    const rules = filled.map((expr, index) => ({ record: `query${index}`, expr }))
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'queries', rules }] }))
    const { stdout } = await run('check', 'rules', file)
    expect(stdout).toContain(`${queries.length} rules found`)
  })

  it('has nothing to say against our metrics', async () => {
    const own = scrape.split('\n').filter((line) => /^(?:# \w+ )?pointsman_/.test(line))
    const checking = run('check', 'metrics')
    checking.child.stdin?.end(`${own.join('\n')}\n`)
    expect(await checking).toEqual({ stdout: '', stderr: '' })
  })
})
