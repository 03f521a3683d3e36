import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunk, formatChunk, riff, waveFile } from '../../../test/audio.ts'
import { gather } from '../../documents/upload.ts'
import { examine } from './wave.ts'

const data = chunk('data', Buffer.alloc(160, 1))
const format = formatChunk()
const aLaw = { tag: 6, bits: 8 }
const muLaw = { tag: 7, bits: 8 }

async function flawOf(file: Buffer): Promise<string | undefined> {
  return (await examine(await gather([file], 'content', 10_000_000))).flaw
}

/** The file with a 32-bit number in its header replaced. */
function telling(file: Buffer, position: number, told: number): Buffer {
  const changed = Buffer.from(file)
  changed.writeUInt32LE(told, position)
  return changed
}

const good = waveFile()
const expected = '; expected WAVE with PCM 16-bit, A-law or µ-law, mono at 8 or 16 kHz'

/** What streaming programs leave: 0, all ones, or as much as some readers take. */
const untoldSizes = [0, 0xffff_ffff, 0x7fff_ffff, 0x7fff_f024]
const piped = ', as a program leaves it that writes to a pipe: let it write to a file'

const refused: [what: string, file: Buffer, found: string][] = [
  ['nothing', Buffer.alloc(0), 'an empty file'],
  [
    'the other way round',
    Buffer.from('RIFX\0\0\0\0WAVE'),
    'RIFX, which is WAVE with its numbers the other way round',
  ],
  ['of the long form', Buffer.from('RF64\0\0\0\0WAVE'), 'RF64, which is WAVE for more than 4 GB'],
  ['of another kind of computer', Buffer.from('.snd\0\0\0\x18'), 'audio/basic'],
  ['a text', Buffer.from('Welcome to Example Incorporated.'), 'no audio file'],
  ['noise', Buffer.alloc(10_000, 0x2a), 'no audio file'],
  ['the start of a RIFF file', good.subarray(0, 11), 'no audio file'],
  ['MP3', Buffer.from(`fffb9064${'00'.repeat(413)}`, 'hex'), 'audio/mpeg'],
  [
    'MP3 with tags',
    Buffer.from(`494433030000${'00'.repeat(4)}fffb9064${'00'.repeat(413)}`, 'hex'),
    'audio/mpeg',
  ],
  ['Ogg', Buffer.from(`OggS\0\u0002${'\0'.repeat(22)}\u0001vorbis${'\0'.repeat(40)}`), 'audio/ogg'],
  ['FLAC', Buffer.from(`fLaC\0\0\0"${'\0'.repeat(40)}`), 'audio/flac'],
  ['an AVI file', riff([format, data], 'AVI '), 'video/vnd.avi'],
  [
    '44.1 kHz stereo',
    waveFile(0.1, { channels: 2, rate: 44_100 }),
    'PCM 16-bit stereo at 44.1 kHz',
  ],
  ['44.1 kHz mono', waveFile(0.1, { rate: 44_100 }), 'PCM 16-bit mono at 44.1 kHz'],
  ['8 kHz stereo', waveFile(0.1, { channels: 2 }), 'PCM 16-bit stereo at 8 kHz'],
  ['six channels', waveFile(0.1, { channels: 6 }), 'PCM 16-bit with 6 channels at 8 kHz'],
  ['11 kHz', waveFile(0.1, { rate: 11_025 }), 'PCM 16-bit mono at 11.025 kHz'],
  ['8-bit PCM', waveFile(0.1, { bits: 8 }), 'PCM 8-bit mono at 8 kHz'],
  ['24-bit PCM', waveFile(0.1, { bits: 24 }), 'PCM 24-bit mono at 8 kHz'],
  ['32-bit PCM', waveFile(0.1, { bits: 32 }), 'PCM 32-bit mono at 8 kHz'],
  ['floating point', waveFile(0.1, { tag: 3, bits: 32 }), 'IEEE FLOAT 32-bit mono at 8 kHz'],
  ['ADPCM', waveFile(0.1, { tag: 0x11, bits: 4 }), 'DVI ADPCM 4-bit mono at 8 kHz'],
  ['GSM', waveFile(0.1, { tag: 0x31, bits: 8 }), 'GSM610 8-bit mono at 8 kHz'],
  ['A-law of 16 bits', waveFile(0.1, { tag: 6, bits: 16 }), 'A-law 16-bit mono at 8 kHz'],
  ['A-law stereo', waveFile(0.1, { ...aLaw, channels: 2 }), 'A-law stereo at 8 kHz'],
  ['µ-law at 44.1 kHz', waveFile(0.1, { ...muLaw, rate: 44_100 }), 'µ-law mono at 44.1 kHz'],
  [
    'extensible 24-bit PCM, as sox writes it',
    waveFile(0.1, { tag: 0xfffe, bits: 24 }),
    'PCM 24-bit mono at 8 kHz',
  ],
  [
    'an extensible format that nobody knows',
    waveFile(0.1, { tag: 0xfffe, subformat: 0x1234 }),
    'non-PCM (4660) 16-bit mono at 8 kHz',
  ],
  [
    'a file that was cut off',
    good.subarray(0, 1_000),
    'a header that tells of 1644 bytes in a file of 1000: it was cut off',
  ],
  ...untoldSizes.flatMap((size): [string, Buffer, string][] => [
    [
      `a stream whose header tells ${size} for its size`,
      telling(telling(good, 4, size), 40, size),
      `a RIFF header without its size (${size})${piped}`,
    ],
    [
      `a stream whose audio tells ${size} for its size`,
      telling(good, 40, size),
      `a 'data' chunk without its size (${size})${piped}`,
    ],
  ]),
  [
    'more than the header tells of',
    Buffer.concat([good, Buffer.alloc(10)]),
    'a header that tells of 1644 bytes in a file of 1654',
  ],
  ['no audio chunk', riff([format]), "no 'data' chunk"],
  ['no format chunk', riff([data]), "no 'fmt ' chunk"],
  ['the format after the audio', riff([data, format]), "the 'fmt ' chunk after the audio"],
  ['two format chunks', riff([format, format, data]), "two 'fmt ' chunks"],
  ['two audio chunks', riff([format, data, data]), "two 'data' chunks"],
  ['an empty audio chunk', riff([format, chunk('data', Buffer.alloc(0))]), 'no audio in it'],
  [
    'half a sample',
    riff([format, chunk('data', Buffer.alloc(161))]),
    'audio that ends within a sample',
  ],
  [
    'audio that tells of more than there is',
    riff([format, chunk('data', Buffer.alloc(160), 1_000)]),
    "a 'data' chunk that tells of 1000 bytes where 160 follow",
  ],
  [
    'audio that tells of less than there is',
    riff([format, chunk('data', Buffer.alloc(160, 1), 100)]),
    "a '????' chunk that tells of 16843009 bytes where 52 follow",
  ],
  [
    'a few bytes after the last chunk',
    riff([format, data, Buffer.alloc(4, 1)]),
    '4 bytes after the last chunk',
  ],
  [
    'a format that is cut off',
    riff([chunk('fmt ', Buffer.alloc(8)), data]),
    "a damaged 'fmt ' chunk",
  ],
  [
    'samples of a size that contradicts their bits',
    riff([chunk('fmt ', telling(format.subarray(8), 12, 0x0010_0004)), data]),
    'samples of 16 bits that take 4 bytes each',
  ],
  [
    'a speed that contradicts its samples',
    riff([chunk('fmt ', telling(format.subarray(8), 8, 99_999)), data]),
    'a header that tells of 99999 bytes a second where 16000 are',
  ],
  [
    'samples of which a part is used',
    riff([chunk('fmt ', telling(formatChunk({ tag: 0xfffe }).subarray(8), 18, 12)), data]),
    'samples of 16 bits of which 12 are used',
  ],
  [
    'a format chunk of gigabytes',
    riff([telling(format, 4, 0xffff_fff0), data]),
    "a 'fmt ' chunk that tells of 4294967280 bytes where 184 follow",
  ],
  [
    'nothing but chunks',
    riff([format, ...Array.from({ length: 2_000 }, () => chunk('JUNK', Buffer.alloc(0))), data]),
    'more than 1000 chunks',
  ],
]

const accepted: [what: string, file: Buffer][] = [
  ['PCM 16-bit at 8 kHz', waveFile()],
  ['PCM 16-bit at 16 kHz', waveFile(0.1, { rate: 16_000 })],
  ['A-law at 8 kHz', waveFile(0.1, aLaw)],
  ['A-law at 16 kHz', waveFile(0.1, { ...aLaw, rate: 16_000 })],
  ['µ-law at 8 kHz', waveFile(0.1, muLaw)],
  ['µ-law at 16 kHz', waveFile(0.1, { ...muLaw, rate: 16_000 })],
  ['PCM 16-bit in the extensible form', waveFile(0.1, { tag: 0xfffe })],
  ['A-law in the extensible form', waveFile(0.1, { tag: 0xfffe, subformat: 6, bits: 8 })],
  ['µ-law in the extensible form', waveFile(0.1, { tag: 0xfffe, subformat: 7, bits: 8 })],
  ['a single sample', riff([format, chunk('data', Buffer.alloc(2))])],
  ['A-law of an odd length', riff([formatChunk(aLaw), chunk('data', Buffer.alloc(161))])],
  [
    'A-law of an odd length whose padding is not counted',
    telling(riff([formatChunk(aLaw), chunk('data', Buffer.alloc(161))]), 4, 4 + 26 + 8 + 161),
  ],
  [
    'a fact chunk, as sox writes it',
    riff([formatChunk(aLaw), chunk('fact', Buffer.alloc(4)), data]),
  ],
  [
    'tags before and after the audio, even careless ones',
    riff([
      chunk('LIST', Buffer.from('INFOISFT\u0005\0\0\0abcde')),
      format,
      data,
      chunk('id3 ', Buffer.from('no tag at all')),
    ]),
  ],
]

describe('an announcement', () => {
  it.each(refused)('cannot be %s, which is told', async (_what, file, found) => {
    expect(await flawOf(file)).toBe(`found ${found}${expected}`)
  })

  it.each(accepted)('can be %s', async (_what, file) => {
    expect(await flawOf(file)).toBeUndefined()
  })

  it('is judged without failing, whatever bytes it has', async () => {
    const damaged = fc.tuple(
      fc.constantFrom(...accepted.map(([, file]) => file)),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
      fc.nat(2_000),
    )
    await fc.assert(
      fc.asyncProperty(damaged, async ([file, changes, length]) => {
        const bytes = Buffer.from(file).subarray(0, length)
        for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte
        const flaw = await flawOf(bytes)
        expect(flaw ?? 'found').toMatch(/^found/)
      }),
      { numRuns: 300 },
    )
  })
})
