import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/**
 * What became of an attempt to sign in: let in, a wrong name or password, slowed down after too many of them, refused
 * since too many were waiting, or not looked at because something failed.
 */
export const signInOutcomes = ['success', 'wrong', 'slowed', 'busy', 'failed'] as const

export type SignInOutcome = (typeof signInOutcomes)[number]

export type SignInListener = (outcome: SignInOutcome) => void

/** Answers the listener that is told of sign-ins. */
export function countSignIns(registry: Registry): SignInListener {
  const counts = new Map<SignInOutcome, number>(signInOutcomes.map((outcome) => [outcome, 0]))
  expose(registry, {
    name: 'pointsman_sign_ins_total',
    help: 'Attempts to sign in, by what became of them.',
    type: 'counter',
    samples: () => [...counts].map(([outcome, value]) => ({ labels: { outcome }, value })),
  })
  return (outcome) => {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
}
