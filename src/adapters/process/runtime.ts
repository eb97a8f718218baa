/** The engine's end of the supervisor's socket. start.ts starts a supervisor. */
import { randomUUID } from 'node:crypto'
import type { Instance, NotStarted, Runtime, Started } from '../../ports/runtime.ts'
import type { Refused, Unreachable } from '../../ports/unreachable.ts'
import { ask } from './client.ts'
import { digestOfFolder } from './folder-digest.ts'
import { WAIT_MS_MAX } from './protocol.ts'

const LOG_BYTES = 4_096

/** Runs releases as processes of this machine, through the supervisor that listens on `socket`. Never throws: see `Unreachable`. */
export function processRuntime({ socket }: { readonly socket: string }): Runtime {
  const once = async <T>(path: string, body: unknown) => (await ask<T>(socket, path, body)) as T | Unreachable
  return {
    start: (spec) => {
      const attempt = randomUUID()
      const body = { spec, attempt, waitMs: WAIT_MS_MAX }
      return untilAnswered(() => ask<Started | NotStarted | Refused>(socket, '/start', body))
    },
    stop: (release, epoch) => {
      const body = { release, epoch, waitMs: WAIT_MS_MAX }
      return untilAnswered(() => ask<'stopped' | Refused>(socket, '/stop', body))
    },
    stopReplicas: (release, instances, epoch) => {
      const body = { release, instances, epoch, waitMs: WAIT_MS_MAX }
      return untilAnswered(() => ask<'stopped' | Refused>(socket, '/stop-replicas', body))
    },
    identify: ({ folder }) => digestOfFolder(folder),
    instances: (release) => once<readonly Instance[]>('/instances', release === undefined ? {} : { release }),
    logs: (release, bytesMax = LOG_BYTES) => once<string>('/logs', { release, bytesMax }),
  }
}

/** Asks again for as long as the answer is "pending": how long a start or a stop may take is the supervisor's business. */
async function untilAnswered<T>(question: () => Promise<T | 'pending' | Unreachable>): Promise<T | Unreachable> {
  for (;;) {
    const answer = await question()
    if (answer !== 'pending') return answer
  }
}
