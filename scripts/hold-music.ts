import { writeFileSync } from 'node:fs'

/**
 * Makes the music that waiting callers hear where nothing else was chosen: our own, so that nobody's licence is needed. The same
 * bytes each time: `node scripts/hold-music.ts src/features/media/hold-music.wav`.
 */

/** What telephone calls have: samples a second. */
const rate = 8_000
const beatSamples = 6_000
const beatsPerBar = 4

/** The level of the whole, as the root mean square of a full scale of 1: -20 dB, as loud as speech on a telephone. */
const level = 0.1

/** The chord of each bar, as MIDI notes, the bass first. */
const bars: readonly (readonly number[])[] = [
  [48, 64, 67, 71, 74],
  [45, 64, 67, 72, 76],
  [50, 65, 69, 72, 76],
  [43, 65, 69, 71, 76],
  [52, 67, 71, 74, 79],
  [45, 67, 72, 76, 79],
  [50, 65, 69, 72, 77],
  [43, 65, 71, 74, 77],
  [48, 67, 71, 74, 79],
  [53, 65, 69, 72, 76],
  [52, 64, 67, 71, 74],
  [45, 64, 69, 72, 76],
  [50, 65, 69, 72, 74],
  [43, 62, 65, 69, 71],
  [48, 64, 67, 71, 72],
  [43, 62, 65, 69, 74],
]

/** Which notes of the chord follow one another, two to a beat. */
const figure = [1, 2, 3, 4, 3, 4, 3, 2]

const samples = new Float64Array(bars.length * beatsPerBar * beatSamples)

interface Note {
  /** In samples. */
  start: number
  midi: number
  loudness: number
  /** Until it is a third as loud, in seconds. */
  decaySeconds: number
  /** Until it is as loud as it gets, in seconds. */
  attackSeconds: number
}

/** How loud the first overtones are beside the note itself: nearly a sine, as of an electric piano. */
const overtones = [1, 0.22, 0.1, 0.03]

/** Adds a note; what is left of it at the end sounds on at the beginning, so that the loop has no seam. */
function add({ start, midi, loudness, decaySeconds, attackSeconds }: Note): void {
  const radians = (2 * Math.PI * 440 * 2 ** ((midi - 69) / 12)) / rate
  const length = Math.min(Math.round(decaySeconds * 8 * rate), samples.length)
  for (let at = 0; at < length; at += 1) {
    const attack = Math.min(1, at / (attackSeconds * rate))
    const rise = attack * attack * (3 - 2 * attack)
    const tail = Math.min(1, (length - at) / 400)
    const envelope = loudness * rise * tail * Math.exp(-at / (decaySeconds * rate))
    let sum = 0
    for (const [index, weight] of overtones.entries()) {
      sum += weight * Math.exp((-index * at) / rate) * Math.sin(radians * (index + 1) * at)
    }
    const place = (start + at) % samples.length
    samples[place] = (samples[place] ?? 0) + envelope * sum
  }
}

for (const [bar, chord] of bars.entries()) {
  const start = bar * beatsPerBar * beatSamples
  const [bass = 48, ...upper] = chord
  add({ start, midi: bass, loudness: 0.8, decaySeconds: 1.6, attackSeconds: 0.03 })
  for (const midi of upper) {
    add({ start, midi: midi - 12, loudness: 0.22, decaySeconds: 2.2, attackSeconds: 0.5 })
  }
  for (const [step, place] of figure.entries()) {
    add({
      start: start + (step * beatSamples) / 2,
      midi: chord[place] ?? bass,
      loudness: step % 4 === 0 ? 0.5 : 0.38,
      decaySeconds: 0.9,
      attackSeconds: 0.012,
    })
  }
}

const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
const scale = (level / Math.sqrt(power)) * 32_768

/** The A-law code word of a sample of 16 bits (ITU-T G.711). */
function toAlaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0
  const size = Math.min(sample >= 0 ? sample : -sample - 1, 32_767) >> 4
  const segment = Math.max(0, Math.floor(Math.log2(Math.max(size, 1))) - 3)
  const step = (size >> Math.max(0, segment - 1)) & 15
  return (sign | (segment << 4) | step) ^ 0x55
}

const header = Buffer.alloc(58)
header.write('RIFF', 0)
header.writeUInt32LE(header.length + samples.length - 8, 4)
header.write('WAVEfmt ', 8)
header.writeUInt32LE(18, 16)
header.writeUInt16LE(6, 20)
header.writeUInt16LE(1, 22)
header.writeUInt32LE(rate, 24)
header.writeUInt32LE(rate, 28)
header.writeUInt16LE(1, 32)
header.writeUInt16LE(8, 34)
header.write('fact', 38)
header.writeUInt32LE(4, 42)
header.writeUInt32LE(samples.length, 46)
header.write('data', 50)
header.writeUInt32LE(samples.length, 54)

const [, , path = ''] = process.argv
const codes = Uint8Array.from(samples, (sample) => toAlaw(Math.round(sample * scale)))
writeFileSync(path, Buffer.concat([header, codes]))
