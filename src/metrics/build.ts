import type { Registry } from '@prometheus-io/client'
import packageJson from '../../package.json' with { type: 'json' }
import { expose } from './registry.ts'

/** Tells what runs, so that a change of behaviour can be seen beside a change of version. */
export function exposeBuild(registry: Registry): void {
  const labels = { version: packageJson.version, node: process.versions.node }
  expose(registry, {
    name: 'pointsman_build_info',
    help: 'Always 1; its labels are the versions of the program and of Node.js.',
    type: 'gauge',
    samples: () => [{ labels, value: 1 }],
  })
}
