import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lintFromString, loadConfig } from '@redocly/openapi-core'
import { Ruleset, Spectral } from '@stoplight/spectral-core'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const file = join(root, 'openapi.json')
const text = readFileSync(file, 'utf8')

// Others' judgement of the document; their rules stand where their command lines look for them.
describe('openapi.json', () => {
  it('has nothing against it by Spectral', async () => {
    const { default: rules } = await import(join(root, '.spectral.mjs'))
    const spectral = new Spectral()
    spectral.setRuleset(new Ruleset(rules))
    const found = await spectral.run(JSON.parse(text))
    expect(found.map(({ code, path, message }) => `${code} ${path.join('.')}: ${message}`)).toEqual(
      [],
    )
  })

  it('has nothing against it by Redocly', async () => {
    const config = await loadConfig({ configPath: join(root, 'redocly.yaml') })
    const found = await lintFromString({ source: text, absoluteRef: file, config })
    const told = found.map(
      ({ ruleId, location: [at], message }) => `${ruleId} ${at?.pointer}: ${message}`,
    )
    expect(told).toEqual([])
  })

  it('is judged by rules that find what is wrong', async () => {
    const { paths, ...rest } = JSON.parse(text)
    const wrong = { ...rest, paths: { '/healthz': paths['/healthz'] } }
    wrong.paths['/healthz'].get.tags = ['Nowhere']
    delete wrong.paths['/healthz'].get.summary
    const { default: rules } = await import(join(root, '.spectral.mjs'))
    const spectral = new Spectral()
    spectral.setRuleset(new Ruleset(rules))
    const codes = (await spectral.run(wrong)).map(({ code }) => code)
    expect(codes).toContain('operation-tag-defined')
    const config = await loadConfig({ configPath: join(root, 'redocly.yaml') })
    const found = await lintFromString({ source: JSON.stringify(wrong), absoluteRef: file, config })
    expect(found.map(({ ruleId }) => ruleId)).toContain('operation-summary')
  })
})
