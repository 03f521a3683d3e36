import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { addresses } from './target.ts'

/** Milliseconds between two questions. */
const pause = 5

/** Somebody who asks for nothing but a sign of life, from a thread of their own, while others attack. */
export interface Witness {
  /** The longest that an answer to `GET /healthz` took, in milliseconds; Infinity where one never came. */
  testify(): Promise<number>
}

export async function callWitness(port: number): Promise<Witness> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port } })
  await once(worker, 'message')
  return {
    async testify() {
      worker.postMessage('enough')
      const [longest] = await once(worker, 'message')
      await worker.terminate()
      return longest
    },
  }
}

/** Answers whether there was an answer. */
function isAnswered(port: number, agent: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    const options = {
      host: '127.0.0.1',
      port,
      path: '/healthz',
      agent,
      localAddress: addresses.witness,
    }
    const request = get(options, (response) => {
      response.resume().on('end', () => resolve(true))
    })
    request.on('error', () => resolve(false))
  })
}

async function watch(port: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let isEnough = false
  let longest = 0
  parentPort?.on('message', () => {
    isEnough = true
  })
  await isAnswered(port, agent)
  parentPort?.postMessage('ready')
  while (!isEnough) {
    const asked = performance.now()
    const answered = await isAnswered(port, agent)
    longest = Math.max(longest, answered ? performance.now() - asked : Number.POSITIVE_INFINITY)
    await delay(pause)
  }
  parentPort?.postMessage(longest)
}

if (!isMainThread) await watch(workerData.port)
