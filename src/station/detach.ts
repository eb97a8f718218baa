/** Leaving a deployment to an engine that runs elsewhere: is there one, and has it taken it? */
import type { DeploymentState } from '../core/deploy/deployment.ts'
import { EXIT, OpsError } from '../core/errors.ts'
import { LOOK_MS, watchId } from '../core/watch/watching.ts'
import type { Store } from '../ports/store.ts'

/** An engine that serves looks at the service every LOOK_MS; one that is three looks late has gone. */
const LATE_MS = 3 * LOOK_MS
/** An engine takes what is new within a fraction of this, also on a busy machine. */
const TAKEN_MS = 15_000

/** Throws when no engine serves: what is left to nobody would stand still, and nobody would be told. */
export async function mustServe(store: Store, service: string): Promise<void> {
  const [watch, now] = await Promise.all([store.read(watchId(service)), store.now()])
  if (watch?.wakeAt != null && now - watch.wakeAt < LATE_MS) return
  throw new OpsError('NO_ENGINE', {
    message: 'No engine serves this service now, so nobody would carry the deployment on after this command.',
    fix: 'holdfast serve   (in another shell, or as a service of this machine); or leave out --detach and stay',
    exit: EXIT.unreachable,
  })
}

/** True as soon as an engine has begun with it; false when none did within a while. */
export async function isTaken(store: Store, id: string, signal?: AbortSignal): Promise<boolean> {
  const until = (await store.now()) + TAKEN_MS
  for (;;) {
    const state = (await store.read(id))?.state as unknown as DeploymentState | undefined
    if (state && state.history.length > 1) return true
    if (signal?.aborted || (await store.now()) >= until) return false
    await store.wait(100, signal)
  }
}
