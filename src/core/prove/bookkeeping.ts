/** Log entries that the store itself writes, the same in each store. */
import type { Entry, Spawn } from '../machine.ts'

/** A machine asked for another one, but a third holds the exclusive key. */
export function spawnLeftOut(spawn: Spawn, holder: string): Entry {
  return {
    kind: 'spawn-left-out',
    subject: spawn.id,
    who: 'holdfast',
    why: `${spawn.id} was not opened, because ${holder} is open and has the same work.`,
    data: { exclusive: spawn.exclusive ?? null, holder },
  }
}

/** The words of entry `index` were deleted; their hash stays. `subject` is that entry's own. */
export function redacted(index: number, subject: string, who: string, why: string): Entry {
  return { kind: 'log-redacted', subject, who, why, data: { index } }
}
