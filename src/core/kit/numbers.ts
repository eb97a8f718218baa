/**
 * Thresholds derived from citizens, never chosen: from how many may be harmed, how many come, and when the first would complain.
 * The same figures stand in alerts, in the threshold sheet and in the specs.
 */
import type { Journey, Service, Sli } from '../define/schema.ts'
import { isOurs } from './pipelines/way.ts'

export interface Threshold {
  readonly journey: string
  readonly step: string
  /** Citizens who may fail before somebody is woken. */
  readonly harm: number
  /** Failures within `windowMinutes` that page. */
  readonly failures: number
  readonly windowMinutes: number
  readonly demands: readonly Demand[]
  readonly arithmetic: readonly string[]
}

export interface Demand {
  readonly name: 'day' | 'peak' | 'night'
  readonly perMinute: number
  /** Minutes until the first complaint of a total failure is expected. */
  readonly complaintMinutes: number
  /** Share of attempts that must fail in the window to page; above 1: the count cannot page, and the synthetic journey must. */
  readonly share: number
}

/** Share of failures that the objective of this step allows; 0.5 % where no objective is given (SRE Workbook's usual 99.5 %). */
export function allowedShare(service: Service, journey: string, step: string): { share: number; sli?: Sli } {
  const found = service.slis.find(
    (sli) => sli.kind === 'ratio' && sli.journey === journey && (sli.step === undefined || sli.step === step),
  )
  return found?.kind === 'ratio' ? { share: 1 - found.targetPercent / 100, sli: found } : { share: 0.005 }
}

/** Undefined when the journey has no demand to derive from: then only the synthetic journey can page. */
export function thresholdOf(service: Service, journey: Journey, step: string): Threshold | undefined {
  const { demand } = journey
  if (!demand || demand.normalPerMinute === 0) return undefined
  const { citizens: harm, contactRate } = service.harmBudget
  const complaint = (perMinute: number) =>
    perMinute === 0 || contactRate === 0 ? Infinity : 1 / (contactRate * perMinute)
  const windowMinutes = Math.max(1, Math.floor(complaint(demand.normalPerMinute) / 2))
  const { share } = allowedShare(service, journey.id, step)
  const usual = share * demand.peakPerMinute * windowMinutes
  // Failures that the objective allows at the peak must not page: three standard deviations above them (Poisson).
  const above = Math.ceil(usual + 3 * Math.sqrt(usual))
  const failures = Math.max(harm, above)
  const demands = (
    [
      ['day', demand.normalPerMinute],
      ['peak', demand.peakPerMinute],
      ['night', demand.nightPerMinute],
    ] as const
  ).map(
    ([name, perMinute]): Demand => ({
      name,
      perMinute,
      complaintMinutes: round(complaint(perMinute)),
      share: perMinute === 0 ? Infinity : round(failures / (perMinute * windowMinutes), 3),
    }),
  )
  return {
    journey: journey.id,
    step,
    harm,
    failures,
    windowMinutes,
    demands,
    arithmetic: [
      `first complaint of a total failure by day: 1 / (${contactRate} × ${demand.normalPerMinute}) = ${round(complaint(demand.normalPerMinute))} min; the window is half of it, ${windowMinutes} min`,
      `allowed by the objective at the peak: ${round(share, 4)} × ${demand.peakPerMinute} × ${windowMinutes} = ${round(usual, 2)}; plus three standard deviations: ${above}`,
      `failures that page: the larger of ${harm} (harm budget) and ${above} = ${failures}`,
    ],
  }
}

/** Minutes in which the synthetic journey pages: its failures in a row, and one more run. */
export function syntheticWindow(service: Service): { everySeconds: number; failures: number; minutes: number } {
  const own = service.slis.find((sli) => sli.kind === 'synthetic')
  const everySeconds = own?.kind === 'synthetic' ? own.everySeconds : service.watch.syntheticSeconds
  const failures = own?.kind === 'synthetic' ? own.failuresBeforePage : 2
  return { everySeconds, failures, minutes: Math.ceil(((failures + 1) * everySeconds) / 60) }
}

export function round(n: number, digits = 1): number {
  return Number.isFinite(n) ? Number(n.toFixed(digits)) : n
}

/** Days of an ISO duration: "P28D" is 28, "P1Y" is 365. Undated ones ("parliamentary-session") count as 28. */
export function durationDays(iso: string): number {
  const days: Readonly<Record<string, number>> = { Y: 365, M: 30, W: 7, D: 1 }
  const [date = ''] = iso.split('T')
  const sum = [...date.matchAll(/(\d+)([YMWD])/g)].reduce((all, [, n, unit]) => all + Number(n) * days[unit!]!, 0)
  return sum === 0 ? 28 : sum
}

/**
 * Journeys that a synthetic citizen walks. Ours (`holdfast serve --walk`) needs a first step that it can try without a person; elsewhere the
 * team's own walker may know more.
 */
export function walkedJourneys(service: Service): readonly Journey[] {
  return service.journeys.filter(({ steps: [first] }) => {
    if (!first) return false
    if (!isOurs(service)) return true
    const isFixed = first.route !== undefined && !/[:*]/.test(first.route)
    return isFixed && (first.method === 'GET' || first.form !== undefined)
  })
}
