import type { KeptRecord } from './record.ts'
import { showRecord } from './shown.ts'

/** Ends each line (RFC 4180). */
const lineEnd = '\r\n'

/** What spreadsheets may take for a formula, and so run. */
const beginsFormula = /^[=+\-@\t\r＝＋－＠]/

/** The same behind what some take for the end of a cell. */
const beginsFormulaLater = /(?<=[;,\t\r\n]\s*)[=+\-@＝＋－＠]/g

/** A number in E.164, which is only a number to a spreadsheet as well. */
const isNumber = /^\+\d+$/

/**
 * A cell as it may be opened by a spreadsheet: what callers chose, and what others wrote, may begin as formulas do, and gets a `'`
 * before it, which makes it a text.
 */
function guard(text: string): string {
  if (isNumber.test(text)) return text
  const guarded = text.replaceAll(beginsFormulaLater, "'$&")
  return beginsFormula.test(guarded) ? `'${guarded}` : guarded
}

function cell(value: string | number | boolean | undefined): string {
  const text = guard(String(value ?? ''))
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const line = (values: readonly (string | number | boolean | undefined)[]) =>
  values.map(cell).join(',') + lineEnd

type Shown = ReturnType<typeof showRecord>

/** The columns, in their order. */
const columns: Record<string, (record: Shown) => string | number | boolean | undefined> = {
  callId: ({ callId }) => callId,
  callerName: ({ caller }) => caller?.name,
  callerNumber: ({ caller }) => caller?.number,
  dialled: ({ dialled }) => dialled,
  dnis: ({ dnis }) => dnis,
  arrivedAt: ({ arrivedAt }) => arrivedAt,
  waitingSince: ({ waitingSince }) => waitingSince,
  answeredAt: ({ answeredAt }) => answeredAt,
  endedAt: ({ endedAt }) => endedAt,
  waitSeconds: ({ waitSeconds }) => waitSeconds,
  talkSeconds: ({ talkSeconds }) => talkSeconds,
  outcome: ({ outcome }) => outcome,
  reason: ({ reason }) => reason,
  agent: ({ agent }) => agent,
  destination: ({ destination }) => destination,
  offers: ({ offers }) => offers,
  hops: ({ hops }) => hops,
  isBounced: ({ isBounced }) => isBounced,
  dispositionCodes: ({ dispositionCodes }) =>
    dispositionCodes.map(({ code, level }) => `${level} ${code}`).join('; '),
}

/** The first line. */
export const csvHead = line(Object.keys(columns))

/** A record as a line. */
export function csvLine(record: KeptRecord): string {
  const shown = showRecord(record)
  return line(Object.values(columns).map((read) => read(shown)))
}
