/**
 * Citizens made from a definition alone: each walks one journey, typing what its synthetic citizen types, up to the first step that
 * cannot be walked without a person (a route with a part that is not known, a form without answers).
 */
import type { Chance } from './chance.ts'
import type { Script, Step, Visit } from './script.ts'

/** What is needed of a journey step. */
export interface JourneyStep {
  readonly journey: string
  readonly step: string
  readonly method: string
  readonly route: string
  readonly okStatus: readonly number[]
  readonly marker?: string
  readonly form?: Readonly<Record<string, string>>
}

/** Reading and typing before a page is sent, in ms. People take minutes; a rehearsal has seconds. */
const THINK_MS: readonly [number, number] = [50, 400]
/** What a page with a form may answer: whether it is right is seen when the form is sent. */
const ANY_PAGE = Array.from({ length: 300 }, (_, i) => 200 + i)
/** Of each hundred, so many keep their connection; the others come through something that opens one for every request. */
const KEEPS_ALIVE = 0.7
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Holdfast-rehearsal'

/** Steps that can be walked, by journey, in order. Journeys without any are left out. */
export function walkable(steps: readonly JourneyStep[]): ReadonlyMap<string, readonly JourneyStep[]> {
  const journeys = new Map<string, JourneyStep[]>()
  const ended = new Set<string>()
  for (const step of steps) {
    if (ended.has(step.journey)) continue
    const isKnown = !/[:*]/.test(step.route)
    const canWalk = isKnown && (step.method === 'GET' || (step.method === 'POST' && step.form !== undefined))
    if (!canWalk) ended.add(step.journey)
    else journeys.set(step.journey, [...(journeys.get(step.journey) ?? []), step])
  }
  return journeys
}

/** `shares`: how many take each journey, in any unit; a journey that is not named weighs as much as the smallest that is. */
export function journeyScript(steps: readonly JourneyStep[], shares: Readonly<Record<string, number>> = {}): Script {
  const journeys = [...walkable(steps)]
  if (journeys.length === 0) throw new Error('no journey has a step that can be walked without a person')
  const known = Object.values(shares).filter((share) => share > 0)
  const least = known.length > 0 ? Math.min(...known) : 1
  const weights = journeys.map(([id]) => (shares[id]! > 0 ? shares[id]! : least))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const upTo = weights.map((_, i) => weights.slice(0, i + 1).reduce((sum, weight) => sum + weight, 0) / total)
  const requests = journeys.map(([, of]) => of.reduce((sum, { method }) => sum + (method === 'GET' ? 1 : 2), 0))
  return {
    requestsMean: requests.reduce((sum, count, i) => sum + count * weights[i]!, 0) / total,
    visit: (_, chance) => {
      const at = chance.between(0, 999_999) / 1e6
      const index = upTo.findIndex((share) => at < share)
      return visitOf(journeys.at(index)![1], chance)
    },
  }
}

function visitOf(steps: readonly JourneyStep[], chance: Chance): Visit {
  return {
    kind: 'citizen',
    segment: 'chrome',
    userAgent: USER_AGENT,
    keepAlive: chance.often(KEEPS_ALIVE),
    steps: steps.flatMap((step) => requestsOf(step, chance.between(...THINK_MS))),
  }
}

/** A form's page first, for its hidden fields, then what the citizen typed. */
function requestsOf({ journey, step, method, route, okStatus, marker, form }: JourneyStep, thinkMs: number): Step[] {
  const page = {
    journey,
    step: `${step}-form`,
    counted: false,
    method: 'GET',
    path: route,
    okStatus: ANY_PAGE,
  } as const
  // 422 answers a citizen's own mistake; these make none.
  const good = okStatus.filter((status) => status !== 422)
  const asked = { journey, step, counted: true, path: route, okStatus: good, ...(marker ? { marker } : {}) } as const
  if (method === 'GET') return [{ ...asked, method: 'GET', thinkMs }]
  return [
    { ...page, thinkMs: 0 },
    { ...asked, method: 'POST', ...(form ? { form } : {}), thinkMs },
  ]
}
