import { describe, expect, it } from 'vitest'
import { countEngines, exposeEngines } from './engines.ts'
import { createRegistry } from './registry.ts'

async function linesOf(registry: ReturnType<typeof createRegistry>): Promise<string[]> {
  const text = await registry.metrics()
  return text.split('\n').filter((line) => line.startsWith('pointsman_engine'))
}

describe('engines', () => {
  it('are told by their number and by whether they are ready at the time of the scrape', async () => {
    const registry = createRegistry()
    const one = { name: 'one', isHeld: true, isReady: false }
    exposeEngines(registry, () => [one, { name: 'two', isHeld: false, isReady: true }])
    const readiness = async () =>
      (await linesOf(registry)).filter((line) => line.includes('ready{engine="one"}'))
    expect(await linesOf(registry)).toEqual([
      'pointsman_engines 2',
      'pointsman_engine_held{engine="one"} 1',
      'pointsman_engine_held{engine="two"} 0',
      'pointsman_engine_ready{engine="one"} 0',
      'pointsman_engine_ready{engine="two"} 1',
    ])
    one.isReady = true
    expect(await readiness()).toEqual(['pointsman_engine_ready{engine="one"} 1'])
  })

  it('are counted by their connections, from 0', async () => {
    const registry = createRegistry()
    const meterOf = countEngines(registry)
    const one = meterOf('one')
    meterOf('two')
    one.connected(true)
    one.connected(false)
    one.connected(true)
    one.connected(false)
    expect(await linesOf(registry)).toEqual([
      'pointsman_engine_connections_total{engine="one"} 2',
      'pointsman_engine_connections_total{engine="two"} 0',
      'pointsman_engine_connected{engine="one"} 0',
      'pointsman_engine_connected{engine="two"} 0',
    ])
  })

  it('are counted by how long they take for what, and what comes of it', async () => {
    const registry = createRegistry()
    const meter = countEngines(registry)('one')
    meter.requested({ kind: 'channels', outcome: 'done', seconds: 0.003 })
    meter.requested({ kind: 'channels', outcome: 'done', seconds: 0.005 })
    meter.requested({ kind: 'channels', outcome: 'unreachable', seconds: 5.1 })
    meter.requested({ kind: 'bridges', outcome: 'refused', seconds: 0.2 })
    const name = 'pointsman_engine_request_duration_seconds'
    const lines = await linesOf(registry)
    const done = 'engine="one",kind="channels",outcome="done"'
    expect(lines).toContain(`${name}_bucket{${done},le="0.0025"} 0`)
    expect(lines).toContain(`${name}_bucket{${done},le="0.005"} 2`)
    expect(lines).toContain(`${name}_sum{${done}} 0.008`)
    expect(lines).toContain(`${name}_count{${done}} 2`)
    const unreachable = 'engine="one",kind="channels",outcome="unreachable"'
    expect(lines).toContain(`${name}_bucket{${unreachable},le="5"} 0`)
    expect(lines).toContain(`${name}_bucket{${unreachable},le="+Inf"} 1`)
    expect(lines).toContain(`${name}_count{engine="one",kind="bridges",outcome="refused"} 1`)
  })
})
