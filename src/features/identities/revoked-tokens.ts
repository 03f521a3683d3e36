import { type Reader, sql } from '../../database/database.ts'
import { fillPath } from '../../http/operation.ts'
import type { Work } from '../../writes/door.ts'
import type { Cause, Change, Scope } from '../../writes/record.ts'
import { type Recorded, recordRows } from '../../writes/recorded.ts'

/** A write, and as what it is recorded: the tokens that it revokes name it. */
export type RevokingWork = Work & { cause: Cause }

interface HomeRow {
  tenant_key: string | null
  group_key: string | null
}

const selectHome = sql<HomeRow>(
  'SELECT tenant_key, group_key FROM identities WHERE identity_key = ?',
)

async function scopeOf(reader: Reader, identityKey: string): Promise<Scope> {
  const { tenant_key, group_key } = (await reader.get(selectHome, identityKey)) ?? {}
  return { tenantKey: tenant_key ?? '', groupKey: group_key ?? '' }
}

const tokens = { name: 'tokens', key: ['identity_key', 'token_id'] }

/** Without values, as of all of them. Where a group or tenant goes, the deletion of each owner tells it. */
const recordedTokens: Recorded = {
  table: tokens.name,
  columns: [],
  async changeOf({ identity_key = '', token_id = '' }, reader): Promise<Change> {
    return {
      scope: await scopeOf(reader, identity_key),
      action: 'delete',
      kind: 'token',
      target: fillPath('/api/v1/tokens/:token_id/', { token_id }),
      before: null,
      after: null,
    }
  },
}

/** Records that all tokens of an account are revoked, before they are. */
export async function recordRevoked(work: RevokingWork, identityKey: string): Promise<void> {
  const rows = { shape: tokens, where: 'identity_key = ?', values: [identityKey] }
  await recordRows(work, rows, recordedTokens)
}
