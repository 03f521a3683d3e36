import { readFileSync, writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

// Makes types of openapi.json, in the file that is told: a program of its own, since the hook below holds for all that
// it loads. The library prints with the compiler as a library, which TypeScript 7 no longer is.
registerHooks({
  resolve: (name, context, next) => next(name === 'typescript' ? 'typescript5' : name, context),
})
const { default: compiler } = await import('typescript5')
const { default: typesOf, astToString } = await import('openapi-typescript')

const [file = ''] = process.argv.slice(2)
const document = JSON.parse(readFileSync('openapi.json', 'utf8'))
const blob = compiler.factory.createTypeReferenceNode('Blob')
const syntax = await typesOf(document, {
  transform: ({ format }) => (format === 'binary' ? blob : undefined),
})
writeFileSync(file, astToString(syntax))
