import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Database, sql } from '../database/database.ts'
import { openSqlite } from '../database/sqlite/engine.ts'
import { countCommits, exposeDatabaseSize } from './database.ts'
import { createHistogram } from './histogram.ts'
import { createRegistry } from './registry.ts'
import { countRequests } from './requests.ts'
import { type MetricsServer, serveMetrics } from './serve.ts'

/** The lines of a scrape about one metric. */
async function linesOf(registry: ReturnType<typeof createRegistry>, name: string) {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line.startsWith(name))
}

describe('the count of requests', () => {
  const name = 'pointsman_http_requests_total'
  const registry = createRegistry()
  const app = Fastify({ exposeHeadRoutes: false })
  countRequests(app, registry)
  app.get('/things/:id', async () => ({}))
  app.get('/broken', async () => {
    throw new Error('broken')
  })

  it('is by method, route pattern and status, never by path', async () => {
    await app.inject('/things/alice')
    await app.inject('/things/bob?page=2')
    await app.inject('/broken')
    await app.inject('/%22%0a/made-up')
    await app.inject('/elsewhere')
    await app.inject({ method: 'DELETE', url: '/elsewhere' })
    expect((await linesOf(registry, name)).sort()).toEqual([
      `${name}{method="DELETE",route="unknown",status="404"} 1`,
      `${name}{method="GET",route="/broken",status="500"} 1`,
      `${name}{method="GET",route="/things/:id",status="200"} 2`,
      `${name}{method="GET",route="unknown",status="404"} 2`,
    ])
  })

  it('comes with how long they took', async () => {
    const durations = 'pointsman_http_request_duration_seconds'
    const labels = 'method="GET",route="/things/:id"'
    const lines = await linesOf(registry, durations)
    expect(lines).toContain(`${durations}_bucket{${labels},le="+Inf"} 2`)
    expect(lines).toContain(`${durations}_count{${labels}} 2`)
    const sum = lines.find((line) => line.startsWith(`${durations}_sum{${labels}}`))
    expect(Number(sum?.split(' ').at(-1))).toBeGreaterThan(0)
  })
})

describe('a histogram', () => {
  it('counts in each bucket what does not exceed its bound', () => {
    const histogram = createHistogram([1, 10])
    for (const value of [0.5, 1, 1.5, 10, 10.5]) histogram.observe(value)
    expect(histogram.samples('x', { a: 'b' })).toEqual([
      { metricName: 'x_bucket', labels: { a: 'b', le: 1 }, value: 2 },
      { metricName: 'x_bucket', labels: { a: 'b', le: 10 }, value: 4 },
      { metricName: 'x_bucket', labels: { a: 'b', le: '+Inf' }, value: 5 },
      { metricName: 'x_sum', labels: { a: 'b' }, value: 23.5 },
      { metricName: 'x_count', labels: { a: 'b' }, value: 5 },
    ])
  })
})

describe('the database', () => {
  const items = { version: 1, name: 'items', sql: 'CREATE TABLE items (name TEXT)' }
  const insert = sql('INSERT INTO items (name) VALUES (?)')
  const registry = createRegistry()
  let folder: string
  let database: Database
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-metrics-'))
    database = await openSqlite(join(folder, 'test.db'), [items])
    database.onCommit(countCommits(registry))
    exposeDatabaseSize(registry, database)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('counts commits by the writes that shared one', async () => {
    const add = () => database.write((transaction) => transaction.run(insert, 'x'))
    await Promise.all([add(), add(), add()])
    await add()
    const lines = await linesOf(registry, 'pointsman_commit_writes')
    expect(lines).toContain('pointsman_commit_writes_bucket{le="1"} 1')
    expect(lines).toContain('pointsman_commit_writes_bucket{le="4"} 2')
    expect(lines).toContain('pointsman_commit_writes_sum 4')
    expect(lines).toContain('pointsman_commit_writes_count 2')
  })

  it('tells its size, and hides no other metric when it cannot', async () => {
    const name = 'pointsman_database_bytes'
    expect(await linesOf(registry, name)).toEqual([`${name} ${await database.size()}`])
    await database.close()
    expect(await linesOf(registry, name)).toEqual([])
    expect(await linesOf(registry, 'nodejs_eventloop_lag_p99_seconds')).toHaveLength(1)
  })
})

describe('the address of the metrics', () => {
  const registry = createRegistry()
  let server: MetricsServer
  afterEach(() => server.close())

  it.each(['127.0.0.1', '::1'])('serves them on %s, and nothing else', async (host) => {
    server = await serveMetrics(registry, { host, port: 0 })
    expect(server.url).toContain(host)
    const answer = await fetch(server.url)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(registry.contentType)
    expect(await answer.text()).toContain('process_cpu_seconds_total')
    expect((await fetch(new URL('/', server.url))).status).toBe(404)
    expect((await fetch(server.url, { method: 'POST' })).status).toBe(404)
  })

  it('stays open to whoever scrapes, however many connections others hold', async () => {
    server = await serveMetrics(registry, { host: '127.0.0.1', port: 0 })
    const port = Number(new URL(server.url).port)
    const held = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'))
    const ended = held.map(
      (socket) => new Promise((resolve) => socket.on('error', () => {}).on('close', resolve)),
    )
    await Promise.race(ended)
    expect((await fetch(server.url)).status).toBe(200)
    for (const socket of held) socket.destroy()
    await Promise.all(ended)
  })

  it('must be free', async () => {
    server = await serveMetrics(registry, { host: '127.0.0.1', port: 0 })
    const port = Number(new URL(server.url).port)
    await expect(serveMetrics(registry, { host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE')
  })
})
