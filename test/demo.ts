import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

const root = join(import.meta.dirname, '..')

/** The demo as a process, seen from outside. */
export interface Demo {
  process: ChildProcess
  /** All that it has printed. */
  output(): string
}

interface StartOptions {
  port?: string
  /** Another demo, with its parameters. */
  command?: readonly string[]
  environment?: Record<string, string>
  /** It and its children make a group of processes, to which a terminal would send Ctrl-C. */
  isOwnGroup?: boolean
}

/** Starts the demo, on a free port unless told otherwise; its temporary files go to `folder`. */
export function startDemo(
  folder: string,
  {
    port = '0',
    command = ['demo/main.ts'],
    environment = {},
    isOwnGroup = false,
  }: StartOptions = {},
): Demo {
  const places = { POINTSMAN_PORT: port, TMPDIR: folder, TEMP: folder }
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { ...process.env, ...places, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: isOwnGroup,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
    })
  }
  return { process: child, output: () => output }
}

/** Waits for what another process does; fails when that process has ended without it. */
export async function until(demo: Demo, isDone: () => boolean): Promise<void> {
  while (!isDone()) {
    if (demo.process.exitCode !== null) throw new Error(`The demo ended: ${demo.output()}`)
    await setTimeout(20)
  }
}

/** Ends the demo as a supervisor does, or a terminal where it has no children, and answers its exit code. */
export async function end(demo: Demo, signal: NodeJS.Signals): Promise<number | null> {
  const exit = once(demo.process, 'exit')
  demo.process.kill(signal)
  const [code] = await exit
  return code
}

/** Starts the demo and waits until it is filled; its address is a host and a port. */
export async function openDemo(folder: string): Promise<{ demo: Demo; address: string }> {
  const demo = startDemo(folder)
  await until(demo, () => demo.output().includes('Ctrl-C'))
  return { demo, address: /is at http:\/\/([^,]+),/.exec(demo.output())?.[1] ?? '' }
}
