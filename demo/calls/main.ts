import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, styleText } from 'node:util'
import { tokenOf } from '../fill.ts'
import { type Run, runDemo, serveFilled } from '../run.ts'
import { people, steps } from '../state.ts'
import { requirePrograms } from './programs.ts'
import { newsOf, tableOf, totalsOf } from './screen.ts'
import {
  agents,
  steps as callSteps,
  hotline,
  idOf,
  outsideNumber,
  routePoint,
  sales,
} from './state.ts'
import { openTelephones, playCallers } from './telephones.ts'
import { lookAt, type Seen } from './watch.ts'

const name = 'pointsman calls:demo'
const lookMilliseconds = 500
const { stdout } = process

const usage = `npm run calls:demo -- [--yes] [--seconds N]

  --yes        fetch Asterisk and SIPp where they are missing, without asking
  --seconds N  end after N seconds instead of at Ctrl-C
`

const say = (text: string) => stdout.write(`${text}\n`)

interface Wish {
  isAgreed: boolean
  seconds: number | undefined
}

/** @returns undefined, having said why, for a command line that is none. */
function readWish(): Wish | undefined {
  try {
    const options = { yes: { type: 'boolean' }, seconds: { type: 'string' } } as const
    const { yes = false, seconds } = parseArgs({ options }).values
    if (seconds === undefined || /^[1-9]\d{0,5}$/.test(seconds)) {
      return { isAgreed: yes, seconds: seconds === undefined ? undefined : Number(seconds) }
    }
    process.stderr.write(`${name}: --seconds must be a number from 1.\n\n${usage}`)
  } catch (error) {
    process.stderr.write(`${name}: ${(error as Error).message}\n\n${usage}`)
  }
  return undefined
}

/** The routing system of examples/, as a process of its own: it knows the API and nothing else. */
function startRouting({ opened, ending }: Run, { url, token }: { url: string; token: string }) {
  const served = agents.filter(({ isOnDemand }) => !isOnDemand).map(idOf)
  const program = join(import.meta.dirname, '..', '..', 'examples', 'longest-idle.ts')
  const child = spawn(process.execPath, [program, url, ...served], {
    env: { POINTSMAN_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-2_000)
    })
  }
  const closed = once(child, 'close')
  opened.defer(async () => {
    child.kill()
    await closed
  })
  // Ctrl-C ends it as it ends us.
  return closed.then(() => {
    if (!ending.aborted) throw new Error(`The routing system ended: ${output}`)
  })
}

/** What whoever looks on can do. */
function invitation(site: string, token: string): string {
  const names = agents.map(({ firstName }) => firstName)
  const heading = (text: string) => styleText('bold', text)
  return `
${heading('Pointsman treats calls')} at ${site}, documented at ${site}/docs/.

  ${hotline.phoneNumber} is the hotline, ${sales.phoneNumber} its DNIS ${sales.name}. At most four callers wait; more are told that it is busy.
  examples/longest-idle.ts offers their calls to ${names.slice(0, 3).join(', ')}. Carla never answers: her calls come back after one ring.

${heading('In another terminal, look yourself:')}

  RP=${site}${routePoint}
  AUTH='Authorization: Bearer ${token}'
  curl -H "$AUTH" $RP'calls/'

${heading('offer a call that waits to Dora, whom the routing system does not know:')}

  CALL=$(curl -sH "$AUTH" $RP'calls/' | grep -o '"callId":"[^"]*","state":"waiting"' | head -n 1 | cut -d '"' -f 4)
  curl -H "$AUTH" -H 'Content-Type: application/json' -d '{"agent": "dora"}' $RP"calls/$CALL/offer/"

${heading('or change a setting, and see the next call obey:')}

  curl -X PUT -H "$AUTH" -H 'Content-Type: application/json' -d '{"active": true, "forwardToPhoneNumber": "${outsideNumber}"}' $RP'forced_forwarding/'

Ctrl-C ends everything and removes its files.
`
}

/** Shows calls until the demo is to end: on a terminal as a table that is drawn again and again, else line by line. */
async function show(look: () => Promise<Seen>, ending: AbortSignal): Promise<Seen | undefined> {
  let seen: Seen | undefined
  let height = 0
  while (!ending.aborted) {
    const now = await look()
    if (stdout.isTTY) {
      const table = tableOf(now, {
        // A terminal that does not tell its size says 0.
        columns: stdout.columns || 80,
        rows: stdout.rows || 24,
      })
      const up = height === 0 ? '' : `\x1b[${height}A`
      stdout.write(`${up}\x1b[J${table.join('\n')}\n`)
      height = table.length
    } else {
      for (const line of newsOf(seen, now)) say(line)
    }
    seen = now
    await sleep(lookMilliseconds, undefined, { signal: ending }).catch(() => {})
  }
  return seen
}

async function play(run: Run): Promise<void> {
  const { asterisk, engines } = await openTelephones(run)
  const { site, database } = await serveFilled(run, {
    steps: [...steps, ...callSteps],
    engines,
    // What a call finds gone is a warning, and would stand amid the table.
    defaults: { POINTSMAN_PORT: '0', POINTSMAN_LOG_LEVEL: 'error' },
  })
  const token = await tokenOf(site, people[2].username)
  const url = `${site}${routePoint}`
  const routing = startRouting(run, { url, token })
  say(invitation(site, token))
  playCallers(run, asterisk.sip)
  const showing = show(() => lookAt(database, { url: `${url}calls/`, token }), run.ending)
  const seen = await Promise.race([showing, routing.then(() => showing)])
  if (seen && !stdout.isTTY) say(totalsOf(seen))
}

const wish = readWish()
if (!wish) {
  process.exitCode = 1
} else {
  say(
    'This starts an Asterisk and a Pointsman of their own on free ports of 127.0.0.1, with all files in a temporary folder, and\n' +
      'plays callers and agents with SIPp.',
  )
  if (await requirePrograms(wish.isAgreed)) await runDemo({ name, seconds: wish.seconds }, play)
  else process.exitCode = 1
}
