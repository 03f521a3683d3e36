import { execFile } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { password, people } from '../demo/state.ts'
import { wave } from './audio.ts'
import { type Demo, openDemo } from './demo.ts'

const root = join(import.meta.dirname, '..')
const clients = join(root, 'test', 'clients')

/** Runs a program on our Node.js, from the repository, and answers what it prints. */
async function run(...parameters: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { cwd: root })
  return stdout
}

describe('a client whose types are made of openapi.json', () => {
  let folder: string
  let demo: Demo
  let address: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-client-'))
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    copyFileSync(join(clients, 'client.ts'), join(folder, 'client.ts'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    const config = { extends: join(root, 'tsconfig.json'), include: ['*.ts'] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const opened = await openDemo(folder)
    demo = opened.demo
    address = opened.address
    await run(join(clients, 'make-types.ts'), join(folder, 'api.d.ts'))
  })
  afterAll(() => {
    demo?.process.kill('SIGKILL')
    rmSync(folder, { recursive: true })
  })

  it('has a type by its name for every component', () => {
    const types = readFileSync(join(folder, 'api.d.ts'), 'utf8')
    const { components } = JSON.parse(readFileSync(join(root, 'openapi.json'), 'utf8'))
    const names = Object.keys(components.schemas)
    expect(names).toEqual(expect.arrayContaining(['RoutePoint', 'RoutePointChange', 'Problem']))
    for (const name of names) expect(types).toMatch(new RegExp(`^ {8}${name}: `, 'm'))
  })

  it('is correct by its types, which allow nothing else', async () => {
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    expect(await run(compiler, '--project', folder)).toBe('')
  })

  it('signs in, lists, changes and uploads', async () => {
    const audio = wave()
    const site = `http://${address}`
    const printed = await run(join(folder, 'client.ts'), site, people[0].username, password, audio)
    expect(JSON.parse(printed)).toEqual({
      level: 16,
      routePoints: ['APIO Test RP'],
      timeoutSeconds: 45,
      announcement: 'Made by a client',
      missing: 404,
    })
  })
})
