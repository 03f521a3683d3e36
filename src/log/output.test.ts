import { expect, it } from 'vitest'
import { createLogOutput } from './output.ts'
import type { Sink } from './sink.ts'

/** A disk with `room` bytes left: it takes what fits, and then fails. */
function createDisk(room: number) {
  const disk = { room, text: '', tries: 0 }
  function take(bytes: Buffer): number {
    const taken = Math.min(bytes.length, disk.room)
    disk.room -= taken
    disk.text += bytes.subarray(0, taken).toString('latin1')
    disk.tries += 1
    return taken
  }
  const sink: Sink = {
    write: (bytes, done) =>
      setImmediate(() => {
        const taken = take(bytes)
        done(taken === 0 ? new Error('full') : null, taken)
      }),
    writeSync: take,
  }
  return { disk, sink }
}

function lineOf(number: number): string {
  return `${number} ${'x'.repeat(100)}\n`
}

/** The numbers of the lines in `text`, each of which is whole. */
function numbersIn(text: string): number[] {
  expect(text === '' || text.endsWith('\n')).toBe(true)
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      expect(line).toMatch(/^\d+ x{100}$/)
      return Number.parseInt(line, 10)
    })
}

const hundred = Array.from({ length: 100 }, (_, index) => index)

it('lines are written whole and in their order, and many at once', async () => {
  const { disk, sink } = createDisk(Number.POSITIVE_INFINITY)
  const output = createLogOutput(sink)
  for (const number of hundred) output.write(lineOf(number))
  await output.flush()
  expect(numbersIn(disk.text)).toEqual(hundred)
  expect(disk.tries).toBeLessThan(5)
  expect(output.dropped()).toBe(0)
})

it('a line that a full disk cut in the middle is continued when there is room again', async () => {
  const { disk, sink } = createDisk(5_050)
  const output = createLogOutput(sink)
  for (const number of hundred) output.write(lineOf(number))
  const flushed = output.flush()
  await expect.poll(() => disk.tries).toBeGreaterThan(5)
  expect(disk.text.length).toBe(5_050)
  disk.room = Number.POSITIVE_INFINITY
  await flushed
  expect(numbersIn(disk.text)).toEqual(hundred)
})

it('what waits is bounded; later lines are dropped and counted, and reported once when all is written', async () => {
  const { disk, sink } = createDisk(0)
  const reports: number[] = []
  const output = createLogOutput(sink, (lines) => {
    reports.push(lines)
    output.write(lineOf(1_000_000))
  })
  for (let number = 0; number < 20_000; number += 1) output.write(lineOf(number))
  const dropped = output.dropped()
  expect(dropped).toBeGreaterThan(5_000)
  disk.room = Number.POSITIVE_INFINITY
  await output.flush()
  const kept = Array.from({ length: 20_000 - dropped }, (_, index) => index)
  expect(numbersIn(disk.text)).toEqual([...kept, 1_000_000])
  expect(reports).toEqual([dropped])
  expect(disk.text.length).toBeLessThan(1_048_576 + 200)

  output.write(lineOf(7))
  await output.flush()
  expect(numbersIn(disk.text).at(-1)).toBe(7)
  expect(reports).toEqual([dropped])
})

it('a line that is larger than all that may wait is dropped', async () => {
  const { disk, sink } = createDisk(Number.POSITIVE_INFINITY)
  const output = createLogOutput(sink)
  output.write('x'.repeat(1_048_577))
  output.write(lineOf(1))
  await output.flush()
  expect(numbersIn(disk.text)).toEqual([1])
  expect(output.dropped()).toBe(1)
})

it('at the end of the process everything that is taken at once is written, and nothing is waited for', () => {
  const { disk, sink } = createDisk(1_040)
  const output = createLogOutput(sink)
  for (const number of hundred.slice(10, 40)) output.write(lineOf(number))
  output.flushSync()
  expect(numbersIn(disk.text)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19])
})
