/** What a person may leave out, and what never: turns "--break-glass" and "--emergency" into the plan's waiver, or refuses. */
import { mayDeploy } from '../core/define/calendar.ts'
import type { Service } from '../core/define/schema.ts'
import { approvalOf } from '../core/deploy/approval.ts'
import type { Waiver } from '../core/deploy/deployment.ts'
import { gatesOf, isExcusable, WINDOW_GATE } from '../core/deploy/gate.ts'
import { EXIT, OpsError } from '../core/errors.ts'
import type { Instant } from '../core/time.ts'
import { listOf } from '../core/words.ts'

export interface WaiverWish {
  readonly by: string
  /** Why the window, approvals and the gates named in `skip` are left out. */
  readonly breakGlass?: string
  readonly skip?: readonly string[]
  /** Why it cannot wait for the window; more people must agree instead. */
  readonly emergency?: string
  /** Deployed instead of the application: its own roles agree to it. */
  readonly artefact?: string
  /** Gates that are left out without a word, for worlds whose citizens are invented (the demo, rehearsals). */
  readonly leaveOut?: readonly string[]
}

/** The window's answer when it closes the way, and what is waived. */
export interface Way {
  /** Why no release may start now; undefined: it may, or somebody has waived the window. */
  readonly closed?: string
  readonly waiver?: Waiver
}

export function wayOf(service: Service, wish: WaiverWish, now: Instant): Way {
  const answer = mayDeploy(service, now)
  const isClosed = !answer.open && wish.leaveOut?.includes(WINDOW_GATE) !== true
  const skip = skippable(service, wish.skip ?? [])
  if (skip.length > 0 && wish.breakGlass === undefined) {
    throw new OpsError('GLASS_NEEDED', {
      message: `Gates are only skipped by breaking the glass: ${listOf(skip)}.`,
      fix: '--break-glass "REASON" --skip GATE',
      exit: EXIT.usage,
    })
  }
  if (wish.breakGlass !== undefined) {
    const approvals = approvalOf(service, wish.artefact) !== undefined
    // Nothing is in the way: then the glass stays whole, and the log does not say otherwise.
    if (!isClosed && !approvals && skip.length === 0) return {}
    const gates = [...new Set([WINDOW_GATE, ...skip])]
    return { waiver: { kind: 'break-glass', who: wish.by, why: wish.breakGlass, gates, approvals } }
  }
  if (!isClosed) return {}
  if (wish.emergency !== undefined) {
    return {
      waiver: { kind: 'emergency', who: wish.by, why: wish.emergency, gates: [WINDOW_GATE], approvals: false },
    }
  }
  const people = service.deployment.windows.emergency.approvers
  return {
    closed: `${answer.why} If it cannot wait: --emergency "REASON" asks ${people} other people to agree; --break-glass "REASON" asks nobody, and is loud.`,
  }
}

function skippable(service: Service, ids: readonly string[]): readonly string[] {
  const gates = gatesOf(service)
  for (const id of ids) {
    const gate = gates.find((one) => one.id === id)
    if (!gate) {
      const known = gates.filter(isExcusable).map((one) => one.id)
      throw new OpsError('GATE_UNKNOWN', {
        message: `There is no gate "${id}" to skip.`,
        fix: `one of ${known.join(', ')}`,
        exit: EXIT.usage,
      })
    }
    if (!isExcusable(gate)) {
      throw new OpsError('GATE_NEVER_SKIPPED', {
        message: `The gate "${id}" is never skipped: ${WHY_NEVER[gate.how] ?? 'it protects citizens from the release itself.'}`,
        fix: 'Repair what it found, and start again.',
        exit: EXIT.usage,
      })
    }
  }
  return ids
}

const WHY_NEVER: Readonly<Record<string, string>> = {
  target: 'a release in the wrong place helps nobody, however urgent it is.',
  migration: 'a schema that the running release cannot live with makes going back impossible.',
  private: 'it is the last look before citizens.',
}
