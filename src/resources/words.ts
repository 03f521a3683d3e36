/** `routePoint` as `route point`; an abbreviation such as `DNIS` as it is. */
export function wordsOf(noun: string): string {
  return noun.replaceAll(/(?<=[a-z])[A-Z]/g, (initial) => ` ${initial.toLowerCase()}`)
}

/** The words of a noun after `a` or `an`; `u` is not among the vowels, since it begins a user. */
export function oneOf(noun: string): string {
  const words = wordsOf(noun)
  return `${/^[aeio]/.test(words) ? 'an' : 'a'} ${words}`
}

/** `2 route points`, or `1 route point`. */
export function countOf(count: number, plural: string): string {
  return `${count} ${count === 1 ? plural.replace(/s$/, '') : plural}`
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
