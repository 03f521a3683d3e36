/** Nearly every text, and known to be without fault in a tenth of the time. */
const plain = /^[ -~]*$/

/** Engines and terminals choke on control characters and lone surrogates. */
const unkeepable = /[\p{Cc}\p{Cs}]/v

/**
 * What leaves no mark where it stands, changes the order of what stands around it, or is no character: by Unicode's
 * properties, and the few that look empty although Unicode counts them among symbols.
 */
const unseen =
  /[\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}\p{Zl}\p{Zp}\u2800\uFFF9-\uFFFB]/v

const unshowable = new RegExp(`${unkeepable.source}|${unseen.source}`, 'v')

/** The scripts whose letters join or stack, so that a joiner between two of them changes what is seen. */
const joiningScripts =
  'Adlm Arab Beng Deva Gujr Guru Khmr Knda Mand Mlym Mong Mymr Nkoo Orya Rohg Sinh Syrc Taml Telu Tibt'
const joining = `[[\\p{L}\\p{M}]&&[${joiningScripts
  .split(' ')
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join('')}]]`
const viramas = '[\\u094D\\u09CD\\u0A4D\\u0ACD\\u0B4D\\u0BCD\\u0C4D\\u0CCD\\u0D4D\\u0DCA]'
const mongolian = '\\p{Script=Mongolian}'

/** Where a character that is not seen by itself forms what is seen. */
const forming = new RegExp(
  [
    // Words: Persian, Hindi, Sinhala.
    `(?<=${joining})[\\u200C\\u200D](?=${joining})|(?<=${viramas})\\u200D`,
    // Variants of Han and Mongolian letters.
    '(?<=\\p{Script=Han})[\\uFE00-\\uFE02\\u{E0100}-\\u{E01EF}]',
    `(?<=${mongolian})[\\u180B-\\u180D\\u180F]|(?<=${mongolian})\\u180E(?=${mongolian})`,
    // Emoji: a heart, a key cap, a family, the flag of Scotland.
    '(?<=\\p{Extended_Pictographic})[\\uFE0E\\uFE0F]|(?<=[0-9#*])\\uFE0F(?=\\u20E3)',
    '(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}]\\uFE0F?)\\u200D(?=\\p{Extended_Pictographic})',
    '\\p{RGI_Emoji_Tag_Sequence}',
    // The byte order mark of a file that was pasted; it is trimmed, as spaces are.
    '^\\uFEFF|\\uFEFF$',
  ].join('|'),
  'gv',
)

function nameOf(character: string): string {
  const digits = character.codePointAt(0)?.toString(16).toUpperCase() ?? ''
  return `U+${digits.padStart(4, '0')}`
}

/**
 * The first character that stands against showing a text to people, as `U+200B`: control characters, malformed and
 * invisible ones. Joiners and selectors that form words or emoji are none. Private and unassigned characters are none
 * either: fonts may show them, and a later Unicode will.
 */
export function findUnshowable(text: string): string | undefined {
  if (plain.test(text) || !unshowable.test(text)) return undefined
  const found = unshowable.exec(text.replaceAll(forming, ''))
  return found ? nameOf(found[0]) : undefined
}

/**
 * The same of a text that is compared with what is kept and not kept itself: control and malformed characters only, so that
 * what was stored before others were refused can still be named.
 */
export function findUnkeepable(text: string): string | undefined {
  const found = unkeepable.exec(text)
  return found ? nameOf(found[0]) : undefined
}

/** Spaces and dashes of every width; the minus sign is none to Unicode. */
const separators = '[\\p{Zs}\\p{Pd}\\u2212]*'
const numberWithSeparators = new RegExp(`^\\+?\\d(?:${separators}\\d)*$`, 'v')
const separator = /[\p{Zs}\p{Pd}\u2212]/gv
const pasted = new RegExp(unseen.source, 'gv')

/** What is dropped of a number: what nobody sees, or also the spaces and dashes between its digits. */
export type Compaction = 'invisible' | 'separators'

/** A number without what web pages print in it; any other text stays. */
export function compactNumber(text: string, dropped: Compaction): string {
  const seen = (plain.test(text) ? text : text.replaceAll(pasted, '')).trim()
  if (!numberWithSeparators.test(seen)) return text
  return dropped === 'separators' ? seen.replaceAll(separator, '') : seen
}
