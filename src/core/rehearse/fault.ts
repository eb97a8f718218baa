/** What is made wrong with a release in a drill: the bad ways that releases have, each small enough to be told in a sentence. */
import { percentOf } from '../words.ts'

export type DrillFault =
  /** Every answer to a citizen is an error. */
  | { readonly kind: 'total' }
  /** This share of attempts at one journey step fails, above 0 and at most 1. */
  | { readonly kind: 'share'; readonly share: number }
  /** One journey step answers rightly, but later than citizens wait. */
  | { readonly kind: 'slow' }
  /** Nothing answers any more. */
  | { readonly kind: 'dead' }

/** As people type it: "total", "20%", "slow", "dead". Undefined: none of these. */
export function parseFault(text: string): DrillFault | undefined {
  if (text === 'total' || text === 'slow' || text === 'dead') return { kind: text }
  const percent = /^(\d{1,3}(?:\.\d{1,3})?)\s?%$/.exec(text)?.[1]
  const share = Number(percent) / 100
  return share > 0 && share <= 1 ? { kind: 'share', share } : undefined
}

/** Short name, the same that parseFault reads. */
export function faultName(fault: DrillFault): string {
  return fault.kind === 'share' ? `${Number((fault.share * 100).toFixed(3))}%` : fault.kind
}

/** `step`: "journey/step". */
export function faultWords(fault: DrillFault, step: string): string {
  switch (fault.kind) {
    case 'total':
      return 'every answer is an error'
    case 'share':
      return `${percentOf(fault.share)} of attempts at ${step} fail`
    case 'slow':
      return `${step} answers later than citizens wait`
    case 'dead':
      return 'its replicas do not answer any more'
  }
}
