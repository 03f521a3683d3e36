import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chunk, formatChunk, riff } from './audio.ts'

/** Samples a second, in telephone networks. */
const rate = 8_000

/** What Asterisk itself plays in tests to a party that the other one has put on hold. */
export const holdTone = 1_300

/** A sine of signed 16-bit samples: the content of an `.sln` file, which Asterisk plays. */
export function tone(frequency: number, seconds: number, samplesPerSecond = rate): Buffer {
  const samples = Buffer.alloc(Math.round(seconds * samplesPerSecond) * 2)
  for (let at = 0; at < samples.length / 2; at += 1) {
    const angle = (2 * Math.PI * frequency * at) / samplesPerSecond
    samples.writeInt16LE(Math.round(8_000 * Math.sin(angle)), at * 2)
  }
  return samples
}

/** The same as a WAVE file, which the API takes. */
export function toneFile(frequency: number, seconds: number): Buffer {
  return riff([formatChunk(), chunk('data', tone(frequency, seconds))])
}

/** A-law, ITU-T G.711: sign, segment, step, with every second bit turned. */
function decodeALaw(byte: number): number {
  const bits = byte ^ 0x55
  const segment = (bits & 0x70) >> 4
  const step = ((bits & 0x0f) << 4) + 8
  const size = segment === 0 ? step : (step + 0x100) << (segment - 1)
  return bits & 0x80 ? size : -size
}

const aLawValues = Array.from({ length: 256 }, (_, byte) => decodeALaw(byte))

/** The byte of each sample's upper 12 bits, found once: the nearest one. */
const aLawBytes = Array.from({ length: 4_096 }, (_, index) => {
  const sample = (index - 2_048) * 16 + 8
  const distances = aLawValues.map((value) => Math.abs(value - sample))
  return distances.indexOf(Math.min(...distances))
})

function encodeALaw(samples: Buffer): Buffer {
  const bytes = Buffer.alloc(samples.length / 2)
  for (let at = 0; at < bytes.length; at += 1) {
    bytes[at] = aLawBytes[(samples.readInt16LE(at * 2) >> 4) + 2_048] ?? 0
  }
  return bytes
}

/** How much of what these samples hold is a tone of this frequency, from 0 to 1 (Goertzel's algorithm). 0 in silence. */
function share(samples: readonly number[], frequency: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * frequency) / rate)
  let last = 0
  let beforeLast = 0
  let energy = 0
  for (const sample of samples) {
    const now = sample + factor * last - beforeLast
    beforeLast = last
    last = now
    energy += sample * sample
  }
  // Silence in A-law is not zero, but 8.
  if (energy < samples.length * 100 * 100) return 0
  const power = last * last + beforeLast * beforeLast - factor * last * beforeLast
  return (2 * power) / (samples.length * energy)
}

/** 100 ms: tones 10 Hz apart are told from one another. */
const block = 800
const blockMilliseconds = 100

/** Of two tones at once, as of a busy tone in America, each is a half. */
const enough = 0.4

/** What is heard and said where a party's SDP says that its audio is. */
export interface Ear {
  host: string
  port: number
  /** For how many milliseconds a tone of this frequency has been heard so far. */
  heard(frequency: number): number
  /** For how many milliseconds anything has been received so far, silence too. */
  received(): number
  /** Waits until a tone of this frequency has been heard for so long from now on. */
  hears(frequency: number, milliseconds?: number): Promise<void>
  /** Says a tone until it says another one; `undefined` makes it silent. */
  say(frequency: number | undefined, to: { host: string; port: number }): void
  stop(): void
}

/** Two parts of a second apart so that a tone goes on smoothly: a packet is 20 ms. */
const packetMilliseconds = 20
const packet = (rate * packetMilliseconds) / 1_000

function rtpPacket(payload: Buffer, sequence: number): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(0x80_08)
  header.writeUInt16BE(sequence % 65_536, 2)
  header.writeUInt32BE(sequence * packet, 4)
  header.writeUInt32BE(1, 8)
  return Buffer.concat([header, payload])
}

/** Opens an ear on a free port. It knows A-law, the one codec that our parties offer. */
export async function openEar(): Promise<Ear> {
  const host = '127.0.0.1'
  const socket = createSocket('udp4').bind(0, host)
  await once(socket, 'listening')
  const blocks: number[][] = []
  let samples: number[] = []
  const waiting = new Set<() => void>()
  socket.on('message', (data) => {
    for (const byte of data.subarray(12)) samples.push(aLawValues[byte] ?? 0)
    if (samples.length < block) return
    blocks.push(samples)
    samples = []
    for (const look of waiting) look()
  })
  const heard = (frequency: number, from = 0) =>
    blockMilliseconds *
    blocks.slice(from).filter((samples) => share(samples, frequency) > enough).length

  let speaking: NodeJS.Timeout | undefined
  let sequence = 0
  return {
    host,
    port: socket.address().port,
    heard: (frequency) => heard(frequency),
    received: () => blocks.length * blockMilliseconds,
    hears(frequency, milliseconds = 300) {
      const from = blocks.length
      return new Promise((resolve) => {
        function look() {
          if (heard(frequency, from) < milliseconds) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      })
    },
    say(frequency, to) {
      clearInterval(speaking)
      if (frequency === undefined) return
      // A second holds a whole number of waves, so it can be repeated.
      const second = encodeALaw(tone(frequency, 1))
      speaking = setInterval(() => {
        const at = (sequence * packet) % second.length
        socket.send(rtpPacket(second.subarray(at, at + packet), sequence), to.port, to.host)
        sequence += 1
      }, packetMilliseconds)
    },
    stop() {
      clearInterval(speaking)
      socket.close()
    },
  }
}
