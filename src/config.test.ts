import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigSchema, parseAddress, parsePublicUrl, readConfig, serviceLinksIn } from './config.ts'

const handbook = readFileSync(join(import.meta.dirname, '..', 'docs', 'operating.md'), 'utf8')

/** The rows of the handbook's table: name without its prefix, and default as printed. */
const rows = new Map(
  [...handbook.matchAll(/^\| `POINTSMAN_(\w+)` \| (.+?) \| .+ \|$/gm)].map(([, name, value]) => [
    name,
    value,
  ]),
)

describe('the settings of the program', () => {
  it('are each a row of the handbook with their default, and no row is left over', () => {
    const told = Object.entries(ConfigSchema.properties).map(([name, schema]) => {
      const value = 'default' in schema ? schema.default : undefined
      return [name, value === undefined ? '–' : value === '' ? 'empty' : `\`${value}\``]
    })
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(told))
  })

  it('are the only ones that documentation, examples and deployments name', () => {
    const root = join(import.meta.dirname, '..')
    const files = globSync(['*.md', 'docs/*.md', 'deploy/*', 'scripts/*', '.ci/*'], {
      cwd: root,
      exclude: ['deploy/*/'],
    })
    const names = files.flatMap(
      (file) => readFileSync(join(root, file), 'utf8').match(/\bPOINTSMAN_[A-Z_]+/g) ?? [],
    )
    expect(names.length).toBeGreaterThan(rows.size)
    const known = Object.keys(ConfigSchema.properties).map((name) => `POINTSMAN_${name}`)
    expect(names.filter((name) => !known.includes(name))).toEqual([])
  })

  it('have defaults, and take nothing from variables of others', () => {
    expect(readConfig({ PATH: '/bin', PORT: '1' })).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 8080,
      DATABASE_URL: 'sqlite:data/pointsman.db',
    })
  })

  it('are read from texts', () => {
    const config = readConfig({ POINTSMAN_PORT: '0', POINTSMAN_SESSION_HOURS: '0.5' })
    expect(config).toMatchObject({ PORT: 0, SESSION_HOURS: 0.5 })
  })

  it.each([
    ['HOST', ''],
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['PORT', '80.5'],
    ['DATABASE_URL', 'mysql://root:secret@host/db'],
    ['DATABASE_URL', 'sqlite:'],
    ['DATABASE_CONNECTIONS_MAX', '1'],
    ['LOG_LEVEL', 'loud'],
    ['SESSION_HOURS', '0'],
    ['BODY_BYTES_MAX', '1'],
    ['ANNOUNCEMENT_BYTES_MAX', '-1'],
    ['GROUP_ANNOUNCEMENT_BYTES_MAX', '-2'],
    ['PUBLIC_URL', 'calls.example.org'],
    ['PUBLIC_URL', 'https://operator:secret@calls.example.org'],
    ['TRUSTED_PROXIES', 'proxy.example'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['DRAIN_SECONDS', '-1'],
    ['METRICS_ADDRESS', '9464'],
    ['METRICS_ADDRESS', '[::1'],
    // How Node reads bytes that are no UTF-8.
    ['ADMIN_USERNAME', 'b\uFFFDrt'],
    ['ADMIN_PASSWORD', 'secret\uFFFD\uFFFD'],
    ['DATABASE_URL', 'sqlite:b\uFFFDrt.db'],
  ])('refuse %s=%s by its name, without showing the value', (name, value) => {
    const read = () => readConfig({ [`POINTSMAN_${name}`]: value })
    expect(read).toThrow(new RegExp(`^Bad configuration: POINTSMAN_${name} `))
    if (value.includes('secret')) expect(read).not.toThrow(/secret/)
  })

  it('that are unknown or wrong are all named at once', () => {
    const read = () => readConfig({ POINTSMAN_PROT: '80', POINTSMAN_PORT: 'x' })
    expect(read).toThrow(/POINTSMAN_PROT is not a setting/)
    expect(read).toThrow(/POINTSMAN_PORT must be integer/)
  })
})

describe('variables that Kubernetes makes of a service', () => {
  const address = 'tcp://10.0.0.1:8080'
  const links = {
    POINTSMAN_SERVICE_HOST: '10.0.0.1',
    POINTSMAN_SERVICE_PORT: '8080',
    POINTSMAN_SERVICE_PORT_HTTP: '8080',
    POINTSMAN_PORT: address,
    POINTSMAN_PORT_8080_TCP: address,
    POINTSMAN_PORT_8080_TCP_PROTO: 'tcp',
    POINTSMAN_PORT_8080_TCP_PORT: '8080',
    POINTSMAN_PORT_8080_TCP_ADDR: '10.0.0.1',
    POINTSMAN_METRICS_SERVICE_HOST: 'fd00::1',
    POINTSMAN_METRICS_SERVICE_PORT: '9464',
    POINTSMAN_METRICS_SERVICE_PORT_HTTP_METRICS: '9464',
    POINTSMAN_METRICS_PORT: 'udp://[fd00::1]:9464',
    POINTSMAN_METRICS_PORT_9464_UDP: 'udp://[fd00::1]:9464',
    POINTSMAN_METRICS_PORT_9464_UDP_ADDR: 'fd00::1',
  }

  it('are ignored, and named', () => {
    expect(readConfig(links)).toEqual(readConfig({}))
    const others = { PATH: '/bin', SERVICE_HOST: '10.0.0.1', POINTSMAN_HOST: '::' }
    expect(serviceLinksIn({ ...others, ...links })).toEqual(Object.keys(links))
  })

  it('do not hide settings', () => {
    const given = { ...links, POINTSMAN_PORT: '8081' }
    expect(readConfig(given).PORT).toBe(8081)
    expect(serviceLinksIn(given)).not.toContain('POINTSMAN_PORT')
  })

  it.each([
    ['POINTSMAN_SERVICE', ''],
    ['POINTSMAN_SERVICE_HOSTS', '10.0.0.1'],
    ['POINTSMAN_SERVICEHOST', '10.0.0.1'],
    ['POINTSMAN_METRICS_PORT', '9464'],
    ['POINTSMAN_METRICS_PORT', 'http://10.0.0.1'],
    ['POINTSMAN_PORT_TCP', address],
    ['POINTSMAN_PORT_8080_TCP_NAME', 'x'],
  ])('are told from an unknown setting: %s=%s', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(`${name} is not a setting`)
  })
})

describe('an address', () => {
  it.each([
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['::1:9464', undefined],
    ['[localhost]:1', undefined],
    ['host:70000', undefined],
    ['off', undefined],
  ])('%s is read as %j', (text, address) => {
    expect(parseAddress(text)).toEqual(address)
  })
})

describe('a public URL', () => {
  it.each([
    ['https://calls.example.org', 'https://calls.example.org', ''],
    ['https://calls.example.org/', 'https://calls.example.org', ''],
    ['HTTPS://Calls.Example.org:443/', 'https://calls.example.org', ''],
    ['http://[2001:db8::1]:8080/a/b.c-d_e~f/', 'http://[2001:db8::1]:8080', '/a/b.c-d_e~f'],
    ['https://bücher.example/Über', undefined, undefined],
    ['https://bücher.example/x', 'https://xn--bcher-kva.example', '/x'],
    ['', undefined, undefined],
    ['calls.example.org', undefined, undefined],
    ['//calls.example.org', undefined, undefined],
    ['ftp://calls.example.org', undefined, undefined],
    ['https://', undefined, undefined],
    ['https:///path', undefined, undefined],
    ['https://calls.example.org:port', undefined, undefined],
    ['https://calls.example.org:65536', undefined, undefined],
    ['https://user@calls.example.org', undefined, undefined],
    ['https://calls.example.org?', undefined, undefined],
    ['https://calls.example.org/path#part', undefined, undefined],
    ['https://calls.example.org/a//b', undefined, undefined],
    ['https://calls.example.org/a/../b', undefined, undefined],
    ['https://calls.example.org/a;b', undefined, undefined],
    ['https://calls.example.org/%61', undefined, undefined],
    ['https://calls.example.org/a\\b', undefined, undefined],
    [' https://calls.example.org', undefined, undefined],
    ['https://calls.example.org\n', undefined, undefined],
  ])('%j is read as %j and %j', (text, origin, path) => {
    expect(parsePublicUrl(text)).toEqual(origin === undefined ? undefined : { origin, path })
  })
})
