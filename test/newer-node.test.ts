import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }

const script = join(import.meta.dirname, '..', 'scripts', 'newer-node.ts')
const brought = Object.entries(packageJson.optionalDependencies)

describe('the look for a newer Node.js', () => {
  let cache: string
  let registry: string
  let published: string[]
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url?.slice(1) ?? '')
    const versions = Object.fromEntries(published.map((version) => [version, { name, version }]))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name, 'dist-tags': { latest: published.at(-1) }, versions }))
  })

  /** What the script writes when packages are asked for at `address`; it throws when the script ends with an error. */
  function ask(address: string): Promise<{ stdout: string; stderr: string }> {
    const env = { ...process.env, npm_config_registry: address, npm_config_cache: cache }
    return promisify(execFile)(process.execPath, [script], { env })
  }

  beforeEach(async () => {
    cache = mkdtempSync(join(tmpdir(), 'pointsman-npm-'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterEach(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
    rmSync(cache, { recursive: true })
  })

  it('names each package of which the same line has a newer one, and no other line’s', async () => {
    published = ['26.9.0', '26.100.2', '26.99.9', '27.1.0']
    const { stdout, stderr } = await ask(registry)
    expect(stdout).toBe('')
    for (const [name, version] of brought) {
      expect(stderr).toContain(`${name} 26.100.2 is out`)
      expect(stderr).toContain(`package.json names ${version}.`)
    }
  })

  it('says nothing of what is not newer, and nothing and no error where nobody answers', async () => {
    published = ['26.9.0', '27.1.0']
    const silence = { stdout: '', stderr: '' }
    expect(await ask(registry)).toEqual(silence)
    expect(await ask('http://127.0.0.1:9/')).toEqual(silence)
  })
})
