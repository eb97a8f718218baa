/** From a definition and a wish ("release r3, please") to the frozen plan of a deployment. Pure. */
import type { Audience, FailureMode, Journey, JourneyStep, Service } from '../define/schema.ts'
import { OpsError } from '../errors.ts'
import type { IncidentDetails } from '../respond/incident.ts'
import { addressOnDuty } from '../respond/rota.ts'
import { type Instant, MINUTE, SECOND } from '../time.ts'
import { approvalOf, emergencyApprovalOf } from './approval.ts'
import { type Baseline, UNKNOWN } from './baseline.ts'
import type { Artefact, DeploymentPlan, ReleasePlan, Waiver } from './deployment.ts'
import { gatesOf } from './gate.ts'
import type { IncidentPlan } from './harm.ts'
import { planStrategy, type StrategyWish } from './strategy.ts'
import { TRIAL_DEFAULTS, type TrialPlan } from './trial.ts'

/** `release` is that of the artefact, where one is named; `root` the definition's folder; `migrations` all phases that are pending. */
export interface Wish extends StrategyWish {
  readonly id: string
  readonly now: Instant
  readonly by: string
  readonly reason: string
  /** By "journey/step". */
  readonly baselines: Readonly<Record<string, Baseline>>
  readonly waiver?: Waiver
  /** Id of the environment that is meant. */
  readonly environment?: string
  readonly artefact?: Artefact
  /** The release's image with its digest, where releases run as containers. */
  readonly image?: string
}

/** How long after a page the next rung is woken when the ladder's last rung says nothing more. */
const LAST_RUNG_MS = 5 * MINUTE

/** Throws OpsError when the definition does not say how a release is run here. */
export function planDeployment(service: Service, wish: Wish): DeploymentPlan {
  const component = webComponent(service)
  const { strategy, trial, plan, next: made } = planStrategy(service, component, wish)
  mustCarry(service, plan.rings !== undefined, plan.shadow !== undefined)
  const next: ReleasePlan = {
    ...made,
    replicas: component.replicas,
    command: component.command ?? [],
    envNames: component.secretEnv,
    readyPath: component.ready,
    startMsMax: component.startSecondsMax * SECOND,
    stopMsMax: component.stopSecondsMax * SECOND,
    ...(service.runtime.kind === 'podman' ? { container: containerOf(component, wish) } : {}),
  }
  return {
    id: wish.id,
    service: service.service.id,
    serviceName: service.service.name,
    previous: wish.previous,
    next,
    strategy,
    trial: trialOf(service, wish, trial),
    ...plan,
    steps: stepMatches(service),
    healthPath: component.ready,
    drainMsMax: (component.drainSeconds ?? component.requestSecondsMax) * SECOND,
    requestedBy: wish.by,
    ...askedBefore(service, wish),
    reason: wish.reason,
    incident: incidentOf(service, wish.now),
  }
}

/** Gates, people and what was agreed to leave out: all that comes before the first thing moves. */
function askedBefore(
  service: Service,
  { waiver, environment, artefact, part }: Wish,
): Pick<DeploymentPlan, 'approvals' | 'gates' | 'approval' | 'waiver' | 'environment' | 'artefact'> {
  const approval =
    waiver?.kind === 'emergency' ? emergencyApprovalOf(service, part?.artefact) : approvalOf(service, part?.artefact)
  return {
    approvals: approval?.people ?? 0,
    gates: gatesOf(service),
    ...(approval ? { approval } : {}),
    ...(waiver ? { waiver } : {}),
    ...(environment ? { environment } : {}),
    ...(artefact ? { artefact } : {}),
  }
}

/** The component that citizens reach; the first of kind web that can be started here. */
export function webComponent(service: Service): Service['runtime']['components'][number] {
  const { kind, components } = service.runtime
  const web = components.find((one) => one.kind === 'web' && (one.command || kind === 'podman'))
  if (web && (kind === 'process' || kind === 'podman')) return web
  throw new OpsError('RUNTIME_UNKNOWN', {
    message: 'The definition names no web component that Holdfast can start as processes or as containers.',
    fix: 'Give runtime.kind "process" and one component of kind web with a command, or runtime.kind "podman".',
    exit: 2,
  })
}

function containerOf(
  { memoryMb, container }: Service['runtime']['components'][number],
  { image, release }: Wish,
): NonNullable<ReleasePlan['container']> {
  if (image === undefined) {
    throw new OpsError('NO_IMAGE', {
      message: `Release ${release} runs as a container, and nobody says which image it is.`,
      fix: `write the image and its digest into the file "image" in the folder of release ${release}: registry/name@sha256:…`,
      exit: 2,
    })
  }
  const { cpus, network, mounts, writable, user } = container ?? {}
  return {
    image,
    ...(memoryMb === undefined ? {} : { memoryMb }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(network === undefined ? {} : { network }),
    ...(mounts === undefined ? {} : { mounts }),
    ...(writable === undefined ? {} : { writable }),
    ...(user === undefined ? {} : { user }),
  }
}

/** HAProxy neither copies requests nor tells tenants apart: that is said before anything moves, not in the middle of it. */
function mustCarry({ runtime }: Service, rings: boolean, shadow: boolean): void {
  if (runtime.traffic !== 'haproxy') return
  const wants = rings ? 'rings of tenants' : shadow ? 'shadow copies of requests' : undefined
  if (wants === undefined) return
  throw new OpsError('TRAFFIC_CANNOT', {
    message: `The definition asks for ${wants}, which HAProxy cannot do.`,
    fix: 'Set runtime.traffic to gateway, or choose another strategy.',
    exit: 2,
  })
}

/** Steps that have a route, so that a request can be recognised as one. */
export function watchedSteps(service: Service): { journey: Journey; step: JourneyStep & { route: string } }[] {
  return service.journeys.flatMap((journey) =>
    journey.steps.flatMap((step) =>
      step.route === undefined ? [] : [{ journey, step: { ...step, route: step.route } }],
    ),
  )
}

/** How the traffic layer recognises an attempt at a step, and what a synthetic citizen sends there. A type, because it is kept as JSON. */
export type WatchedStep = {
  readonly journey: string
  readonly step: string
  readonly method: JourneyStep['method']
  readonly route: string
  readonly okStatus: readonly number[]
  readonly marker?: string
  readonly limitMs: number
  readonly form?: Readonly<Record<string, string>>
}

/** The watched steps in the order of the definition, as deployments, walks and rehearsals know them. */
export function stepMatches(service: Service): WatchedStep[] {
  return watchedSteps(service).map(({ journey, step }) => {
    const { id, method, route, okStatus, marker, limitMs, form } = step
    return {
      journey: journey.id,
      step: id,
      method,
      route,
      okStatus,
      ...(marker ? { marker } : {}),
      limitMs,
      ...(form ? { form } : {}),
    }
  })
}

function trialOf(service: Service, wish: Wish, how: Partial<TrialPlan>): TrialPlan {
  const { alpha, suspicionSeconds } = service.deployment
  const steps = watchedSteps(service)
  return {
    ...TRIAL_DEFAULTS,
    stable: '',
    canary: wish.release,
    ...how,
    alpha,
    steps: steps.map(({ journey, step }) => {
      const { p0, units } = wish.baselines[`${journey.id}/${step.id}`] ?? UNKNOWN
      return { journey: journey.id, step: step.id, omega: 1 / steps.length, p0, p0Units: units, limitMs: step.limitMs }
    }),
    suspicionMs: suspicionSeconds * SECOND,
  }
}

/** Who is woken and what is said when this service hurts citizens, with people on duty resolved at this moment. */
export function incidentOf(service: Service, now: Instant): IncidentPlan {
  const [top] = service.journeys
  const ladder = service.oncall.ladder.map((rung, i, all): IncidentDetails['ladder'][number] => {
    const next = all[i + 1]
    const afterMs = next ? (next.afterMinutes - rung.afterMinutes) * MINUTE : LAST_RUNG_MS
    const onRota = rung.rota ? addressOnDuty(service.oncall, rung.rota, now, service.service.timezone) : null
    return { role: rung.role, route: rung.route, to: rung.to ?? onRota ?? '', afterMs: Math.max(SECOND, afterMs) }
  })
  const reachable = ladder.filter(({ to }) => to !== '')
  const last = reachable[reachable.length - 1]
  if (!last) {
    throw new OpsError('NOBODY_ON_CALL', {
      message: 'Nobody can be paged: no rung of oncall.ladder leads to an address today.',
      fix: 'Give the last rung a `to`, and each person on a rota an email.',
    })
  }
  return {
    ladder: reachable.slice(0, -1),
    fallback: last,
    severity: top?.severityFloor ?? 'P2',
    severityRule: `${top?.severityFloor ?? 'P2'} because "${top?.name}" was affected, and its harm is ${top?.harmClass}.`,
    steps: Object.fromEntries(
      watchedSteps(service).map(({ journey, step }) => [
        `${journey.id}/${step.id}`,
        {
          cannot: lowerFirst(step.name),
          runbook: runbookOf(service, journey, false),
          slowRunbook: runbookOf(service, journey, true),
        },
      ]),
    ),
    comms: {
      audiences: service.comms.audiences.flatMap(audienceOf),
      facts: {
        serviceName: service.service.name,
        cannot: lowerFirst(top?.name ?? 'use the service'),
        who: 'people using the service online',
        instead: `Call ${service.comms.contact.phone}, ${service.comms.contact.hours}.`,
        answers: service.comms.savedAnswers ?? null,
      },
    },
  }
}

/** The failure mode that a failing (or slow) step of this journey most likely is: the highest ranked that fits. */
function runbookOf(service: Service, journey: Journey, slow: boolean): string | null {
  const fits = (mode: FailureMode) => mode.journeys.includes(journey.id) && (mode.detect.kind === 'latency') === slow
  const ranked = [...service.failureModes].sort((a, b) => a.rank - b.rank)
  return ranked.find(fits)?.id ?? null
}

function audienceOf(audience: Audience): IncidentDetails['comms']['audiences'][number][] {
  const channel = audience.channels[0] ?? 'status-page'
  if (audience.id === 'citizens') return [{ id: 'citizens', channel }]
  if (audience.id.includes('contact-centre') || audience.id.includes('staff')) return [{ id: 'front-line', channel }]
  return audience.id.includes('minister') ? [{ id: 'minister', channel }] : []
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
