/** Of `sip:USER[:PASSWORD]@HOST…`, and the number of `tel:NUMBER[;PARAMETERS]`, as Asterisk writes them. */
const users = /^(?:sips?:([^@:]+)(?::[^@]*)?@|tel:([^;]+))/i

/** Bytes that are no UTF-8, and control characters, are nothing that anybody dials: they are left escaped. */
function unescaped(text: string): string {
  return text.replaceAll(/(?:%[\da-f]{2})+/gi, (escapes) => {
    try {
      const meant = decodeURIComponent(escapes)
      return /\p{Cc}/u.test(meant) ? escapes : meant
    } catch {
      return escapes
    }
  })
}

/** Whom a Request-URI names, undefined where it names nobody. */
export function userOf(uri: string): string | undefined {
  const [, user, number] = users.exec(uri) ?? []
  const named = user ?? number
  return named && unescaped(named)
}
