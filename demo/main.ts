import { tokenOf } from './fill.ts'
import { ended, type Run, runDemo, serveFilled } from './run.ts'
import { password, people, steps } from './state.ts'

async function play(run: Run): Promise<void> {
  const { site } = await serveFilled(run, { steps })
  const calls: string[] = []
  for (const { level, username, path } of people) {
    const bearer = await tokenOf(site, username)
    calls.push(`${level}: ${username}`)
    calls.push(`curl -H 'Authorization: Bearer ${bearer}' ${site}${path}`, '')
  }
  const text = [
    `Pointsman's demo is at ${site}, its documentation at ${site}/docs/.`,
    `Everybody's password is '${password}'. A call to try at each level:`,
    '',
    ...calls,
    'Ctrl-C ends the demo and removes its data.',
  ]
  process.stdout.write(`${text.join('\n')}\n`)
  await ended(run)
}

await runDemo({ name: 'pointsman demo' }, play)
