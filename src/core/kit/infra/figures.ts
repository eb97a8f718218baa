/** The numbers of the infrastructure, each computed from the definition, with its arithmetic. */
import type { Component, Service } from '../../define/schema.ts'
import { plural } from '../../words.ts'
import { type Noted, noted } from './model.ts'
import { durationDays, thresholdOf } from '../numbers.ts'

/** Seconds that a replica goes on serving after it was told to stop, until every balancer has heard of it. */
export const LEAVE_SECONDS = 5

/** Between two health checks, and how many good ones a new replica needs. 10 s × 2 finds a dead one in 20 s and hammers nobody. */
export const CHECK = { seconds: 10, times: 2, timeoutSeconds: 5 } as const

/** Fargate stops a task after 120 s at the latest (ECS API reference: stopTimeout). */
const FARGATE_STOP_MAX = 120

export interface Budget {
  readonly request: number
  readonly drain: number
  readonly stop: number
  readonly says: string
}

/** request ≤ drain ≤ what the balancer waits, and stop ≥ the longest work plus the time to leave. */
export function budgetOf(component: Component): Budget {
  const work = Math.max(component.requestSecondsMax, component.jobSecondsMax ?? 0)
  const drain = Math.max(component.drainSeconds ?? work, component.requestSecondsMax)
  const stop = Math.max(component.stopSecondsMax, work + LEAVE_SECONDS)
  const what =
    component.jobSecondsMax !== undefined && component.jobSecondsMax >= component.requestSecondsMax
      ? 'longest job'
      : 'slowest request'
  return {
    request: component.requestSecondsMax,
    drain,
    stop,
    says: `${what} ${work} s ≤ drain ${drain} s; stop ${stop} s ≥ ${work} s + ${LEAVE_SECONDS} s to leave`,
  }
}

export function fargateStop(component: Component): Noted {
  const { stop, says } = budgetOf(component)
  const capped = Math.min(FARGATE_STOP_MAX, stop)
  return noted(capped, capped < stop ? `${says}; Fargate allows ${FARGATE_STOP_MAX} s at most` : says)
}

export function graceOf(component: Component): Noted {
  const { startSecondsMax: start } = component
  return noted(start, `starting takes up to ${start} s; before that a failing check says nothing`)
}

/** How long it may take until an alarm notices: the definition's own sum, else a third of the promise. */
export function detectMinutes(service: Service): number {
  const { budget, maxMinutes } = service.deployment.rollback
  return Math.max(1, Math.floor(budget.detect ?? maxMinutes / 3))
}

/** The figures of an alarm that takes a release back: answers 5xx of one target group or function. */
export function errorFigures(service: Service): { readonly threshold: Noted; readonly periodSeconds: Noted } {
  const thresholds = service.journeys.flatMap((journey) =>
    journey.steps.flatMap((step) => thresholdOf(service, journey, step.id) ?? []),
  )
  const { citizens } = service.harmBudget
  const detect = detectMinutes(service)
  // CloudWatch's windows stand still, so half of the failures may fall into either of two.
  const failures = thresholds.length === 0 ? citizens : Math.max(...thresholds.map((one) => one.failures))
  const minutes = Math.max(1, Math.min(Math.floor(detect / 2), ...thresholds.map((one) => one.windowMinutes)))
  return {
    threshold: noted(
      Math.max(1, Math.ceil(failures / 2)),
      `${plural(failures, 'failure')} ${failures === 1 ? 'wakes' : 'wake'} somebody (thresholds.md); windows stand still, so half of them in one`,
    ),
    periodSeconds: noted(
      minutes * 60,
      `detect within ${detect} min: a window of ${minutes} min, up to one more until it is full`,
    ),
  }
}

/** Longest limit of a step, in seconds: later than that every citizen has given up. */
export function slowestLimit(service: Service): Noted | undefined {
  const limits = service.journeys.flatMap((journey) =>
    journey.steps.map((step) => ({ step: step.id, ms: step.limitMs })),
  )
  const slowest = limits.toSorted((a, b) => b.ms - a.ms)[0]
  return (
    slowest && noted(slowest.ms / 1_000, `limit of ${slowest.step}: ${slowest.ms} ms; nobody waits longer at any step`)
  )
}

/** Images that stay. By number, never by age: a service that was not released for long would lose the image it runs. */
export function imagesKept(service: Service): Noted {
  const days = service.deployment.rollback.drillEveryDays
  const kept = Math.max(10, Math.ceil(days))
  return noted(
    kept,
    `a release a day at most × ${days} days between two rehearsals of going back = ${Math.ceil(days)}; at least 10`,
  )
}

const LOG_DAYS = [
  30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653,
] as const

/** Three windows of the longest objective, rounded up to what CloudWatch Logs offers. */
export function logDays(service: Service): Noted {
  const windows = service.slis.flatMap((sli) => ('window' in sli ? [durationDays(sli.window)] : []))
  const longest = Math.max(28, ...windows)
  const days = LOG_DAYS.find((known) => known >= longest * 3) ?? LOG_DAYS.at(-1)!
  return noted(
    days,
    `three windows of the longest objective: 3 × ${longest} = ${longest * 3} days, rounded up to ${days}`,
  )
}

/** A year for the yearly audit and a month in which it is done: 365 + 31 = 396. */
export const TRAIL_DAYS = noted(
  400,
  'a year for the yearly audit and a month to hold it: 365 + 31 = 396 days, rounded up',
)

/** Share of requests that are traced: as many as keep to about one a second at the peak. */
export function tracedShare(service: Service): Noted {
  const peak = Math.max(0, ...service.journeys.map((journey) => journey.demand?.peakPerMinute ?? 0))
  if (peak === 0) return noted(0.05, 'the demand is not known: X-Ray’s own 5 %')
  const share = Number(Math.min(1, 60 / peak).toPrecision(2))
  return noted(
    share,
    `about one trace a second at the peak of ${peak} a minute: 60 ÷ ${peak}${peak <= 60 ? ', so every request' : ''}`,
  )
}

/** Fargate sells memory in whole GB with each size of CPU. 256 MB more where a collector of traces runs beside. */
export function fargateSize(component: Component, traced: boolean): { readonly cpu: string; readonly memory: Noted } {
  const asked = component.memoryMb ?? 1_536
  const sum = asked + (traced ? 256 : 0)
  const memory = Math.max(2_048, Math.ceil(sum / 1_024) * 1_024)
  const cpu = memory <= 8_192 ? '1024' : memory <= 16_384 ? '2048' : '4096'
  return {
    cpu,
    memory: noted(
      String(Math.min(memory, 30_720)),
      `${component.memoryMb === undefined ? `${asked} MB, as the definition says nothing` : `${asked} MB`}${traced ? ' + 256 MB for the collector of traces' : ''}, rounded up to what Fargate offers`,
    ),
  }
}
