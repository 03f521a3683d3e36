import Type from 'typebox'
import { defineSetting } from './define.ts'

const example = { displayDNISNumber: true, displayDNISName: true }

export const dnisConfig = defineSetting({
  name: 'dnis_config',
  summary: 'DNIS configuration',
  schema: Type.Object({
    displayDNISNumber: Type.Boolean({
      description: 'Agents see the number that was called instead of the caller’s.',
    }),
    displayDNISName: Type.Boolean({
      description: 'Agents see the name of the DNIS that was called instead of the caller’s.',
    }),
  }),
  default: { displayDNISNumber: false, displayDNISName: false },
  example: { get: example, put: { request: example, response: example } },
})
