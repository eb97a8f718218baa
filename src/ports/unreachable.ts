/**
 * An outage is an answer, not an exception: deciding what to do about it is core's job (docs/adr/0004).
 * A port returns this when the outside did not answer, answered nonsense, or answered too late.
 */
export interface Unreachable {
  readonly unreachable: true
  /** One sentence for a person: what was asked, of whom, and what happened. */
  readonly why: string
}

export function unreachable(why: string): Unreachable {
  return { unreachable: true, why }
}

export function isUnreachable(answer: unknown): answer is Unreachable {
  return typeof answer === 'object' && answer !== null && (answer as { unreachable?: unknown }).unreachable === true
}

/**
 * The outside has already obeyed an engine with a higher epoch. Whoever gets this has been replaced: it stops,
 * writes nothing more, and does not retry.
 */
export interface Refused {
  readonly refused: true
  /** The highest epoch the outside has seen. */
  readonly epochSeen: number
}

export function refused(epochSeen: number): Refused {
  return { refused: true, epochSeen }
}

export function isRefused(answer: unknown): answer is Refused {
  return typeof answer === 'object' && answer !== null && (answer as { refused?: unknown }).refused === true
}
