import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { named } from '../../documents/vocabulary.ts'
import { notFound, refuseIfAny } from '../../errors.ts'
import { type Answer, representation } from '../../http/answer.ts'
import { judgePreconditions } from '../../http/conditions.ts'
import { addOperation, fillPath, type Tag } from '../../http/operation.ts'
import { parametersIn } from '../../http/place.ts'
import type { Door } from '../../writes/door.ts'
import { intentOf } from '../../writes/intent.ts'

const enginesPath = '/api/v1/engines/'
const enginePath = `${enginesPath}:engine_name/`

const enginesTag: Tag = {
  name: 'Engines',
  description: 'The telephone engines that carry calls, and which node treats them.',
}

const EngineSchema = Type.Object({
  name: Type.String({ readOnly: true, description: 'As `POINTSMAN_ENGINES` names it.' }),
  node: Type.Optional(
    Type.String({
      readOnly: true,
      description: 'Name of the node that treats its calls; absent where none does.',
    }),
  ),
  calls: Type.Integer({ readOnly: true, minimum: 0, description: 'Calls that it carries now.' }),
  draining: Type.Boolean({
    description:
      'It takes no new calls: they go to the fallback of its dialplan. Those that there are go on.',
  }),
})
type Engine = Static<typeof EngineSchema>

const document = defineDocument({ schema: EngineSchema })
const Engine = named('Engine', EngineSchema, 'A telephone engine.')

const example: Engine = { name: 'asterisk-1', node: 'pointsman-1', calls: 12, draining: false }

const name = {
  component: 'EngineName',
  description: '`name` of the engine.',
  schema: { type: 'string' },
  example: example.name,
}

const EngineList = named(
  'EngineList',
  Type.Object({ engines: Type.Array(Engine, { description: 'By their names.' }) }),
  'Every engine.',
)

interface EngineRow {
  engine: string
  is_draining: number
  node: string | null
  calls: number
}

const selectEngines = sql<EngineRow>(
  `SELECT engine, is_draining, nodes.name AS node,
     (SELECT count(*) FROM calls WHERE calls.engine = engine_leases.engine) AS calls
   FROM engine_leases LEFT JOIN nodes ON nodes.session = engine_leases.session ORDER BY engine`,
)
const drain = sql('UPDATE engine_leases SET is_draining = ? WHERE engine = ?')

function show({ engine, is_draining, node, calls }: EngineRow): Engine {
  return { name: engine, ...(node !== null && { node }), calls, draining: is_draining === 1 }
}

/** As many as are configured: some. */
async function readEngines(reader: Reader): Promise<Engine[]> {
  return (await reader.all(selectEngines)).map(show)
}

/** @throws Refusal 404 where no node has ever treated such an engine. */
async function requireEngine(reader: Reader, wanted: string | undefined): Promise<Engine> {
  const engine = (await readEngines(reader)).find((one) => one.name === wanted)
  if (!engine) throw notFound()
  return engine
}

/** Serves the engines, and has them drained for maintenance. */
export function addEngines(app: FastifyInstance, { door }: { door: Door }): void {
  const shared = { tag: enginesTag, permission: 'installation.administer' } as const
  addOperation(app, {
    ...shared,
    method: 'GET',
    path: enginesPath,
    id: 'listEngines',
    summary: 'List the telephone engines',
    answer: EngineList,
    example: { response: { engines: [example] } },
    handler: async () =>
      representation(JSON.stringify({ engines: await readEngines(door.reader) })),
  })
  addOperation(app, {
    ...shared,
    method: 'GET',
    path: enginePath,
    names: name,
    id: 'getEngine',
    summary: 'Get a telephone engine',
    answer: Engine,
    example: { response: example },
    async handler(request): Promise<Answer> {
      const { engine_name: wanted } = parametersIn(request)
      return representation(JSON.stringify(await requireEngine(door.reader, wanted)))
    },
  })
  addOperation(app, {
    ...shared,
    method: 'PUT',
    path: enginePath,
    id: 'changeEngine',
    summary: 'Drain a telephone engine, or have it take calls again',
    description: 'It is heeded within two seconds.',
    body: named('EngineChange', document.schemas.documented.forChange, 'What to change.'),
    answer: Engine,
    refusals: [412],
    example: { request: { draining: true }, response: { ...example, draining: true } },
    async handler(request): Promise<Answer> {
      const { engine_name: wanted } = parametersIn(request)
      return door.write(intentOf(request), {
        async act({ transaction, record }) {
          const before = await requireEngine(transaction, wanted)
          const { value, faults } = document.change(before, request.body)
          refuseIfAny(faults)
          const texts = { before: JSON.stringify(before), after: JSON.stringify(value) }
          judgePreconditions(request, texts.before)
          if (value.draining !== before.draining) {
            await transaction.run(drain, Number(value.draining), before.name)
            const target = fillPath(enginePath, { engine_name: before.name })
            const scope = { tenantKey: '' }
            await record({ scope, action: 'change', kind: 'engine', target, ...texts })
          }
          return representation(texts.after)
        },
      })
    },
  })
}
