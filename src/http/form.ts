import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isObject, type Members } from '../documents/normalise.ts'
import { fromBase64, gather, Upload } from '../documents/upload.ts'
import { type Fault, invalid, Refusal } from '../errors.ts'
import { keyUnitsMax, longName } from './json.ts'

export const formType = 'multipart/form-data'

/** Bytes of JSON, or of a form, around the file that it brings. */
const envelopeBytes = 16_384

/** Bytes of a field, far more than any of our texts takes. */
const fieldBytes = 4_096

/** Bytes of the headers of a part, far more than its name, its file's name and its type take. */
const partHeaderBytes = 8_192

/** The largest body, in bytes, that brings a file of `fileBytesMax` bytes: in JSON three bytes are four characters. */
export function bodyBytesFor(fileBytesMax: number): number {
  return Math.ceil(fileBytesMax / 3) * 4 + envelopeBytes
}

interface FileMember {
  /** The body's member that is a file. */
  member: string
  /** Largest file, in bytes. */
  bytesMax: number
  /** What the file turns out to be; asked when all of the body is there. */
  examine(file: Upload): Promise<Upload>
}

/**
 * Whether a part is the file: many clients, which build forms by hand, name no file in it. The library asks it of a part's
 * name, type and file name.
 */
function isFileOf(member: string) {
  return (name: string | undefined, type: string | undefined, fileName: string | undefined) =>
    name === member ||
    fileName !== undefined ||
    type === 'application/octet-stream' ||
    Boolean(type?.startsWith('audio/'))
}

/** What is wrong with a part that is no file, before its value is looked at. */
function refusalOf(name: string | undefined, value: unknown, isCut: boolean): Fault | undefined {
  if (name === undefined) return { code: 2, message: 'A part of the form has no name.' }
  if (name.length > keyUnitsMax) return longName(name)
  if (isCut) return invalid(name, `The '${name}' field is longer than ${fieldBytes} bytes.`)
  // The library puts this character in the place of bytes that are no UTF-8.
  const isMalformed = typeof value === 'string' && value.includes('\uFFFD')
  return isMalformed ? invalid(name, `The '${name}' field is not valid UTF-8.`) : undefined
}

/**
 * Ends the reading of a form that is larger than the route takes: it may have bytes that belong to no part.
 *
 * @returns what ends the counting: it must be called before nobody listens for errors any more.
 */
function boundForm({ raw, routeOptions: { bodyLimit } }: FastifyRequest): () => void {
  let bytes = 0
  const stop = () => raw.off('data', count)
  function count(chunk: Buffer): void {
    bytes += chunk.length
    if (bytes <= bodyLimit) return
    stop()
    raw.pause()
    const message = `The form is larger than the ${bodyLimit} bytes that this resource takes.`
    // The library hears of it here, whatever it waits for.
    raw.emit('error', new Refusal([{ code: 413, message }], { connection: 'close' }))
  }
  raw.on('data', count)
  return stop
}

async function readParts(request: FastifyRequest, { member, bytesMax }: FileMember) {
  const body = new Map<string, unknown>()
  // One more than is allowed of each, so that the refusal is ours and says what is wrong.
  const limits = {
    files: 2,
    fields: 50,
    parts: 60,
    headerSize: partHeaderBytes,
    fieldSize: fieldBytes,
    fileSize: bytesMax + 1,
  }
  for await (const part of request.parts({ limits, isPartAFile: isFileOf(member) })) {
    const isFile = part.type === 'file'
    const fault = isFile ? undefined : refusalOf(part.fieldname, part.value, part.valueTruncated)
    if (fault) throw new Refusal([fault])
    // A form has one file, whatever its field is called.
    const name = isFile ? member : part.fieldname
    if (body.has(name)) {
      const what = isFile ? 'The form must bring one file only' : 'It is given twice'
      throw new Refusal([invalid(name, `The '${name}' field is not valid. ${what}.`)])
    }
    body.set(name, isFile ? await gather(part.file, member, bytesMax) : part.value)
  }
  return Object.fromEntries(body)
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const reason = error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
  return new Refusal([{ code: 2, message: `The form cannot be read: ${reason}.` }])
}

/** @throws Refusal 2 for a form that is malformed or has something twice; 413 for one, or a file, that is too large. */
async function readForm(request: FastifyRequest, file: FileMember): Promise<Members> {
  const stopCounting = boundForm(request)
  try {
    return await readParts(request, file)
  } catch (error) {
    throw toRefusal(error)
  } finally {
    stopCounting()
    // What is left is thrown away as it comes: else the connection's next request would never be read.
    request.raw.unpipe().resume()
  }
}

/** @throws Refusal 413 for a file that is too large. */
function readJson(body: unknown, { member, bytesMax }: FileMember): unknown {
  const content = isObject(body) ? body[member] : undefined
  if (!isObject(body) || typeof content !== 'string') return body
  // What is no base64 is left for the document to refuse, together with all else that is wrong.
  return { ...body, [member]: fromBase64(content, member, bytesMax) ?? content }
}

/** A body with what its file turns out to be. */
async function withExamined(body: unknown, { member, examine }: FileMember): Promise<unknown> {
  if (!isObject(body)) return body
  const file = body[member]
  return file instanceof Upload ? { ...body, [member]: await examine(file) } : body
}

/**
 * Lets the routes that `app` gets afterwards take a file: a member of the body becomes an Upload that was examined, whether
 * it came as base64 in JSON or as the file of a form.
 */
export async function acceptFiles(app: FastifyInstance, file: FileMember): Promise<void> {
  // A file's size is counted as it comes.
  await app.register(multipart, { throwFileSizeLimit: false })
  app.addHook('preHandler', async (request) => {
    const body = request.isMultipart()
      ? await readForm(request, file)
      : readJson(request.body, file)
    request.body = await withExamined(body, file)
  })
}
