import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Kinds of files, as Asterisk tells them apart by their names, with the samples a second of each. */
const rates = { sln: 8_000, sln16: 16_000 } as const
type Extension = keyof typeof rates
const extensions = Object.keys(rates) as Extension[]
const sampleBytes = 2

/**
 * What is shorter is silent to its end: music is named by one `play` as often as the request may hold, and one sample again and again
 * would keep an engine busy.
 */
const secondsMin = 1

/** What is ours in a folder; everything else is somebody else's. */
export const filePattern = /^[0-9a-f]{64}(?:-([0-9a-f]{16}))?\.(sln|sln16)$/
export const unfinishedPattern = /^[0-9a-f]{64}(?:-[0-9a-f]{16})?\.[0-9a-f-]{36}\.part$/

/** A file that an engine can play. */
export interface MediaFile {
  /** `HASH.sln` or `HASH.sln16`; `HASH-OWNER.sln` where it is a tenant's. */
  name: string
  bytes: number
  seconds: number
}

/** A file as its folder tells of it. */
export interface FoundFile {
  name: string
  bytes: number
  /** Milliseconds since 1970: its use is noted as its last change, which all see who share the folder. */
  usedAt: number
}

/** Whose a file is, as its name tells; undefined for what everybody plays. */
export function ownerIn(name: string): string | undefined {
  return filePattern.exec(name)?.[1]
}

/** How names tell whose a file is. */
export function ownerOf(tenantKey: string): string {
  return createHash('sha256').update(tenantKey).digest('hex').slice(0, 16)
}

/**
 * The name, without its ending, of what is made of a source. A tenant has its own file even of what another has too, since each has its
 * own room.
 */
export function stemOf({ sha256, tenantKey }: { sha256: string; tenantKey?: string }): string {
  return tenantKey === undefined ? sha256 : `${sha256}-${ownerOf(tenantKey)}`
}

/** The names that what has this stem may have. */
export function namesOf(stem: string): string[] {
  return extensions.map((extension) => `${stem}.${extension}`)
}

/** @throws Error when no engine plays so many samples a second. */
export function nameAt(stem: string, rate: number): string {
  const extension = extensions.find((one) => rates[one] === rate)
  if (extension === undefined) throw new Error(`No engine plays ${rate} samples a second.`)
  return `${stem}.${extension}`
}

/** The silence that a file needs after so many bytes of audio, in bytes. */
export function silenceAfter(bytes: number, rate: number): number {
  return Math.max(secondsMin * rate * sampleBytes - bytes, 0)
}

/** Undefined for a file of another name, and for one that is shorter than we make any. */
export function toMediaFile({ name, bytes }: FoundFile): MediaFile | undefined {
  const [, , extension] = filePattern.exec(name) ?? []
  if (extension === undefined) return undefined
  const seconds = bytes / sampleBytes / rates[extension as Extension]
  return seconds < secondsMin ? undefined : { name, bytes, seconds }
}

/** What is answered by whoever looks at a file or folder; undefined where there is none. */
export async function orNone<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

export async function findFile(folder: string, name: string): Promise<FoundFile | undefined> {
  const found = await orNone(stat(join(folder, name)))
  return found?.isFile() ? { name, bytes: found.size, usedAt: found.mtimeMs } : undefined
}

/** The files of a folder whose names are of a pattern, those unused for the longest first. */
export async function listFiles(folder: string, pattern: RegExp): Promise<FoundFile[]> {
  const names = (await orNone(readdir(folder))) ?? []
  const files: FoundFile[] = []
  for (const name of names) {
    const found = pattern.test(name) ? await findFile(folder, name) : undefined
    if (found) files.push(found)
  }
  return files.sort((one, other) => one.usedAt - other.usedAt)
}
