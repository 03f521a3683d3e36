import Type from 'typebox'
import type { Api } from '../../api.ts'
import { named } from '../../documents/vocabulary.ts'
import { message } from '../../http/answer.ts'
import { addOperation } from '../../http/operation.ts'

const Status = named(
  'Status',
  Type.Object({
    status: Type.Literal('ok', { description: 'Always `ok`; otherwise the answer is 503.' }),
  }),
  'All is well.',
)

/** For whoever watches or balances: whether the process lives, and whether it can serve. */
export function addHealth({ app, database }: Api): void {
  const shared = {
    method: 'GET',
    tag: {
      name: 'Operations',
      description: 'For whoever watches the service or balances its load.',
    },
    permission: 'public',
    answer: Status,
    example: { response: { status: 'ok' } },
  } as const
  addOperation(app, {
    ...shared,
    path: '/healthz',
    id: 'healthz',
    summary: 'Whether the process is alive',
    handler: async () => message({ status: 'ok' }),
  })
  addOperation(app, {
    ...shared,
    path: '/readyz',
    id: 'readyz',
    summary: 'Whether the database answers',
    async handler() {
      await database.verify()
      return message({ status: 'ok' })
    },
  })
}
