import type { Arm } from './counts.ts'
import type { DeploymentSeen } from './deployment.ts'

/** Requests and upgraded connections still open on an arm; undefined: we cannot tell. */
export function openOn(seen: DeploymentSeen, arm: Arm): number | undefined {
  return seen.status?.backends
    .filter((backend) => backend.arm === arm)
    .reduce((sum, { inFlight, upgraded }) => sum + inFlight + upgraded, 0)
}
