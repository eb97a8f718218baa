/**
 * Traffic through HAProxy. A process of ours beside it (main.ts) holds the fence, the last configuration and the counts, and speaks
 * the gateway's control protocol; HAProxy itself serves on when that process, the engine or the database are dead.
 *
 * What differs from the built-in gateway:
 * - No copies of requests (shadow) and no rings of tenants: such a configuration is not accepted, with the reason.
 * - Success markers are searched in the first 24 KiB of a page, which is held back until it is there.
 * - An answer is judged when it is over, so one that never comes is heard of when it is given up, not when the citizen's limit passes.
 * - Upgraded connections are cut without a word when they are to move; clients come back by themselves.
 * - When nobody passes the health check, the running release is asked after all; the canary is not, even where it alone is there.
 */
import {
  type Gateway,
  type GatewayTraffic,
  gatewayTraffic,
  type StartGateway,
  startSteered,
} from '../gateway/traffic.ts'

export { probeValue } from '../../core/traffic/visitor.ts'

const WHO = 'HAProxy’s driver'

export interface StartHaproxy extends StartGateway {
  /** The program, on PATH or with its path; default "haproxy". */
  readonly haproxy?: string
}

/** Talks to the driver whose control socket is at `control`. Never throws: what goes wrong is an Unreachable. */
export function haproxyTraffic(options: { readonly control: string; readonly timeoutMs?: number }): GatewayTraffic {
  return gatewayTraffic({ ...options, who: WHO })
}

/**
 * Gives the driver of this state folder: the one that runs, else a new one, with its HAProxy, in processes of their own that outlive
 * this one. Throws OpsError PORT_TAKEN, HAPROXY_MISSING, HAPROXY_DEAD, CONTROL_PATH, GATEWAY_STATE or GATEWAY_DEAD.
 */
export function startHaproxy(options: StartHaproxy): Promise<Gateway> {
  const { haproxy } = options
  const args = haproxy === undefined ? [] : ['--haproxy', haproxy]
  return startSteered(options, { program: 'adapters/haproxy/main', who: WHO, args })
}
