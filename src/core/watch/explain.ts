/** Why this threshold? The numbers behind one watched step, and what they mean for citizens at each demand. */
import type { Service } from '../define/schema.ts'
import { type Instant, MINUTE, SECOND } from '../time.ts'
import { percentOf, plural } from '../words.ts'
import { firstComplaintMinutes } from './complaint.ts'
import { allClearOf, faultSizes, openDetector, thresholdOf, watchStep } from './detector.ts'
import type { StepPlan, WatchPlan } from './plan.ts'
import { lookEvery } from './watching.ts'

export interface Explained {
  readonly journey: string
  readonly step: string
  readonly arithmetic: readonly string[]
  readonly demands: readonly Foreseen[]
}

/** What a fault of that size would do at that demand. */
export interface Foreseen {
  readonly demand: 'day' | 'peak' | 'night'
  /** Attempts a minute. */
  readonly perMinute: number
  /** Share of attempts that fail, 0 to 1. */
  readonly failing: number
  /** Null: not within a day. */
  readonly pageMinutes: number | null
  readonly harmed: number | null
  readonly complaintMinutes: number | null
}

const DAY_MINUTES = 24 * 60

export function explain(service: Service, plan: WatchPlan, step: StepPlan): Explained {
  const demand = service.journeys.find(({ id }) => id === step.journey)?.demand
  const { b0, perDay, falsePagesPerMonth, harmMax } = step
  const sizes = faultSizes(b0)
  const { citizens, contactRate } = service.harmBudget
  const rates = demand
    ? ([
        ['day', demand.normalPerMinute],
        ['peak', demand.peakPerMinute],
        ['night', demand.nightPerMinute],
      ] as const)
    : []
  return {
    journey: step.journey,
    step: step.step,
    arithmetic: [
      `The objective allows ${percentOf(b0)} of attempts to fail.`,
      `Looked for: faults in which ${sizes.map(percentOf).join(', ')} fail.`,
      `Evidence that pages: ln(${sizes.length} sizes × 25.2 × ${Math.round(perDay)} attempts a day ÷ ${falsePagesPerMonth} false pages a month) = ${thresholdOf(step).toFixed(2)} nats.`,
      `Evidence that it is over: ln(20 × (${Math.round(perDay)} ÷ 4 + 360)) = ${allClearOf(step).toFixed(2)} nats.`,
      `A burst that has ended pages from ${plural(harmMax, 'citizen')} on: the smaller of ${citizens} (harmBudget.citizens) and −ln(0.9) ÷ ${contactRate} (the first complaint).`,
      ...(demand ? [] : ['The definition names no demand for this journey: 1,500 attempts a day were assumed.']),
    ],
    demands: rates.flatMap(([name, perMinute]) =>
      [1, 0.2, 0.05].map((failing) => foreseen(step, plan.contactRate, name, perMinute, failing)),
    ),
  }
}

function foreseen(
  step: StepPlan,
  contactRate: number,
  demand: Foreseen['demand'],
  perMinute: number,
  failing: number,
): Foreseen {
  const at = pageAt(step, perMinute, failing)
  const pageMinutes = at === null ? null : Math.round((at / MINUTE) * 10) / 10
  return {
    demand,
    perMinute,
    failing,
    pageMinutes,
    harmed: at === null ? null : Math.ceil((at / MINUTE) * perMinute * failing),
    complaintMinutes: firstComplaintMinutes(perMinute * failing, contactRate),
  }
}

/** Walks the detector through a fault that fails exactly its share, whole citizens at a time. Ms from the fault to the page. */
function pageAt(step: StepPlan, perMinute: number, failing: number): Instant | null {
  if (perMinute <= 0) return null
  let detector = openDetector(step, 0)
  let came = 0
  let failed = 0
  const every = lookEvery(perMinute, MINUTE)
  for (let now = every; now <= DAY_MINUTES * MINUTE; now += every) {
    const total = Math.floor((now / (60 * SECOND)) * perMinute)
    const bad = Math.floor(total * failing)
    const look = { ok: total - came - (bad - failed), failed: bad - failed, slow: 0 }
    came = total
    failed = bad
    const next = watchStep(step, detector, look, now)
    if (next.change === 'fired') return now
    detector = next.detector
  }
  return null
}
