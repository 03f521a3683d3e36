/** Characters that the addresses of one `play` may have together, with what each has around it: Asterisk takes bodies of 40,960 bytes. */
const playCharactersMax = 40_000

/** `"sound:…",` */
const aroundAddress = 10

/**
 * The addresses again and again, so that what is played goes on for long while we are away: so many times, or as often as one `play` can
 * name them. An address of 80 characters is named 444 times: music of a minute lasts seven hours.
 */
export function repeated(addresses: readonly string[], timesMax: number): string[] {
  const bytes = addresses.reduce((sum, one) => sum + Buffer.byteLength(one) + aroundAddress, 0)
  const times =
    bytes === 0 ? 0 : Math.max(1, Math.min(timesMax, Math.floor(playCharactersMax / bytes)))
  return Array.from({ length: times }, () => addresses).flat()
}
