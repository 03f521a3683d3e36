import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/** @param bytes tells how many the files for engines take. */
export function exposeMedia(registry: Registry, bytes: () => number): void {
  expose(registry, {
    name: 'pointsman_media_bytes',
    help: 'Bytes that the files for telephone engines take.',
    type: 'gauge',
    samples: () => [{ labels: {}, value: bytes() }],
  })
}
