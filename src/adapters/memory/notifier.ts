/** A notifier that keeps what it is given. For simulation and tests; it passes the same contract as the real ones. */
import type { Message, Notifier, Sent } from '../../ports/notifier.ts'
import { type Unreachable, unreachable } from '../../ports/unreachable.ts'

export type Mood = 'works' | 'refuses' | 'busy' | 'loses-answer' | 'gone'

export interface MemoryNotifier extends Notifier {
  /** What arrived, oldest first; the same id once. */
  readonly arrived: readonly Message[]
  /** How the next messages fare, until it is changed. */
  mood(mood: Mood): void
}

export function memoryNotifier(route = 'memory'): MemoryNotifier {
  const arrived = new Map<string, Message>()
  let current: Mood = 'works'
  return {
    route,
    get arrived() {
      return [...arrived.values()]
    },
    mood(mood) {
      current = mood
    },
    async send(message): Promise<Sent | Unreachable> {
      if (current === 'gone') return unreachable(`The ${route} notifier did not answer.`)
      if (current === 'refuses') return { sent: 'failed', why: 'it was refused' }
      if (current === 'busy') return { sent: 'failed', why: 'it was refused for now' }
      if (!arrived.has(message.id)) arrived.set(message.id, message)
      if (current === 'loses-answer') return { sent: 'unknown', why: 'the answer was lost' }
      return { sent: 'accepted', reference: `${route} ${message.id}` }
    },
  }
}
