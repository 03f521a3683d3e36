import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'

/** A password with its line end is far shorter: more is another file. */
const secretBytesMax = 4_096

const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * The text of a file that is at most so large.
 *
 * @throws Error when it cannot be read, is no regular file, is larger or is not UTF-8.
 */
export async function readTextFile(file: string, bytesMax: number): Promise<string> {
  // To wait for whoever should write into a pipe takes a thread, without which the process could not end.
  if (!(await stat(file)).isFile()) throw new Error('it is no regular file')
  const pieces = await Array.fromAsync<Buffer>(createReadStream(file, { end: bytesMax }))
  const bytes = Buffer.concat(pieces)
  if (bytes.length > bytesMax) throw new Error(`it has more than ${bytesMax} bytes`)
  return utf8.decode(bytes)
}

/** @throws Error when the file cannot be read, or holds no secret: nothing, or what nobody types, as files of several lines do. */
export async function readSecretFile(file: string): Promise<string> {
  // Editors and `echo` end a file with a line end, which is no part of the password.
  const secret = (await readTextFile(file, secretBytesMax)).replace(/\r?\n$/, '')
  if (secret === '') throw new Error('it is empty')
  if (/\p{Cc}/v.test(secret)) {
    throw new Error('it has a control character, such as a second line end, in its password')
  }
  return secret
}
