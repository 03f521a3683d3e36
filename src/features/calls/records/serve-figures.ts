import Type from 'typebox'
import type { Api } from '../../../api.ts'
import { named } from '../../../documents/vocabulary.ts'
import { invalid, Refusal } from '../../../errors.ts'
import { type Answer, representation } from '../../../http/answer.ts'
import { addOperation } from '../../../http/operation.ts'
import { queryIn } from '../../../http/query.ts'
import { siteOf } from '../../../resources/resource.ts'
import { mapInTurns } from '../../../resources/turns.ts'
import { routePointPath } from '../../route-points/route-point.ts'
import { requireRoutePoint, routePointScope } from '../../route-points/route-points.ts'
import { readFigures } from './figures.ts'
import { figuresParameters, readFiguresQuery } from './figures-query.ts'
import { recordsTag } from './serve.ts'
import { CallFigures, exampleFigures, showFigures } from './shown-figures.ts'

/** Rows of one answer. */
export const figuresMax = 10_000

const CallFiguresList = named(
  'CallFiguresList',
  Type.Object({
    callFigures: Type.Array(CallFigures, {
      description: 'In the order of the intervals; in one by name.',
    }),
  }),
  'Figures of calls.',
)

function tooMany(): Refusal {
  const message = `There would be more than ${figuresMax} rows: the 'interval' parameter must be longer, or the time shorter.`
  return new Refusal([invalid('interval', message)])
}

/** Serves figures of the calls that have ended at a route point. */
export function addFigures({ app, database }: Api): void {
  addOperation(app, {
    method: 'GET',
    path: `${routePointPath}call_figures/`,
    id: 'getCallFigures',
    summary: 'Get figures of the calls that have ended at a route point',
    description:
      'Calls count in the interval in which they ended. All intervals are told, also those without calls, unless `by` is given.',
    tag: recordsTag,
    permission: 'group.administer',
    query: figuresParameters,
    isDear: true,
    answer: CallFiguresList,
    example: { response: { callFigures: [exampleFigures] } },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(database, siteOf(request))
      const query = readFiguresQuery(queryIn(request))
      const wanted = { query, rowsMax: figuresMax }
      const rows = await readFigures(database, routePointScope(request), wanted)
      if (rows.length > figuresMax) throw tooMany()
      const texts = await mapInTurns(showFigures(query, rows), (one) => JSON.stringify(one))
      return representation(`{"callFigures":[${texts.join(',')}]}`)
    },
  })
}
