/** From the definition to what is watched: every step with a route, with numbers derived from citizens, and who is woken. */
import { attemptsPerDay } from '../define/meaning/objectives.ts'
import type { Service } from '../define/schema.ts'
import type { IncidentPlan } from '../deploy/harm.ts'
import { incidentOf, watchedSteps } from '../deploy/plan.ts'
import { allowedShare } from '../kit/numbers.ts'
import { type Instant, MINUTE } from '../time.ts'
import type { DetectorPlan } from './detector.ts'

export interface StepPlan extends DetectorPlan {
  readonly journey: string
  readonly step: string
  /** What citizens cannot do when it fails: "submit the application". */
  readonly cannot: string
  readonly severityFloor: IncidentPlan['severity']
}

export interface WatchPlan {
  readonly service: string
  readonly serviceName: string
  /** IANA name, for wall times in words. */
  readonly timezone: string
  readonly steps: readonly StepPlan[]
  /** Share of failed attempts after which somebody complains, 0 to 1. */
  readonly contactRate: number
  /** From page to the first useful action, in ms. */
  readonly responseMs: number
  readonly incident: IncidentPlan
}

/** Chance of a complaint before the page that we accept: one in ten. */
const COMPLAINT_FIRST = 0.1
/** An objective of 100 % has no budget to test against; one failure in 100,000 is then taken for usual. */
const B0_MIN = 1e-5
/** Attempts of a usual day where the definition names no demand: false pages are then rarer or more frequent than asked for. */
const PER_DAY_UNKNOWN = 1_500

/** Throws OpsError('NOBODY_ON_CALL') when nobody could be woken. */
export function watchPlanOf(service: Service, now: Instant): WatchPlan {
  const incident = incidentOf(service, now)
  const { harmBudget } = service
  return {
    service: service.service.id,
    serviceName: service.service.name,
    timezone: service.service.timezone,
    contactRate: harmBudget.contactRate,
    responseMs: harmBudget.responseMinutes * MINUTE,
    incident,
    steps: watchedSteps(service).map(({ journey, step }) => ({
      journey: journey.id,
      step: step.id,
      cannot: incident.steps[`${journey.id}/${step.id}`]!.cannot,
      severityFloor: journey.severityFloor ?? incident.severity,
      b0: Math.min(0.8, Math.max(B0_MIN, allowedShare(service, journey.id, step.id).share)),
      perDay: perDayOf(journey.demand),
      falsePagesPerMonth: harmBudget.falsePagesPerMonth,
      harmMax: harmCap(harmBudget),
    })),
  }
}

/**
 * Citizens who may be failed before somebody is woken: the owner's number, or fewer when somebody would complain earlier. With
 * complaints as a thinned Poisson process, the first comes before the page with a chance of 10 % at −ln(0.9)/rate failures.
 */
export function harmCap({
  citizens,
  contactRate,
}: {
  readonly citizens: number
  readonly contactRate: number
}): number {
  const complaint = contactRate > 0 ? -Math.log(1 - COMPLAINT_FIRST) / contactRate : Infinity
  return Math.max(1, Math.floor(Math.min(citizens, complaint)))
}

function perDayOf(demand: Service['journeys'][number]['demand']): number {
  return demand ? Math.max(1, attemptsPerDay(demand)) : PER_DAY_UNKNOWN
}
