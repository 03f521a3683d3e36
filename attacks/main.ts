import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Attack, attacks } from './attacks.ts'
import { startTarget } from './target.ts'
import { callWitness } from './witness.ts'

/**
 * `npm run attacks [part of an attack's name]`: what one client can do to the others. With `-- --of FOLDER` the program of another
 * checkout is attacked, so that before and after are compared on the same machine; with `-- --postgres` on that engine.
 */
const { values, positionals } = parseArgs({
  options: {
    postgres: { type: 'boolean', default: false },
    of: { type: 'string', default: join(import.meta.dirname, '..') },
  },
  allowPositionals: true,
})

async function suffer({ name, make }: Attack) {
  const target = await startTarget(resolve(values.of), values.postgres ? 'postgres' : 'sqlite')
  try {
    const witness = await callWitness(target.port)
    const seen = await make(target)
    const longest = Math.round(await witness.testify())
    return { attack: name, 'longest /healthz, ms': longest, 'peak MB': target.peakMemory(), seen }
  } finally {
    await target.stop()
  }
}

const wanted = (positionals[0] ?? '').toLowerCase()
const rows = []
for (const attack of attacks.filter(({ name }) => name.toLowerCase().includes(wanted))) {
  rows.push(await suffer(attack))
}
// biome-ignore lint/suspicious/noConsole: the table is what the script is for
console.table(rows)
