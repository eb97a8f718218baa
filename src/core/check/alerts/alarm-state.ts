/**
 * The state of a CloudWatch alarm over time: M of N data points, what missing ones count as, and the evaluation range, as the table
 * in "Configuring how CloudWatch alarms treat missing data" (Amazon CloudWatch user guide) has them.
 */
import type { Missing } from '../models/alarm.ts'
import type { Points } from './cloud-metrics.ts'
import { Unsupported } from './series.ts'

export type State = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

/** CloudWatch looks further back than N periods, for points to use instead of missing ones; five for three in its own examples. */
const RANGE_EXTRA = 2

export interface Test {
  readonly operator: string
  readonly threshold: number
  readonly periods: number
  readonly datapoints: number
  readonly missing: Missing
}

const COMPARE: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
}

/** The state after each period. */
export function statesOf(points: Points, test: Test): readonly State[] {
  const breaches = COMPARE[test.operator]
  if (!breaches) throw new Unsupported(`the comparison ${test.operator || '(none)'}`)
  const states: State[] = []
  let before: State = 'INSUFFICIENT_DATA'
  for (let i = 0; i < points.length; i++) {
    const range = points
      .slice(Math.max(0, i + 1 - test.periods - RANGE_EXTRA), i + 1)
      .map((point) => (point === undefined ? undefined : breaches(point, test.threshold)))
    before = stateOf(range, test, before)
    states.push(before)
  }
  return states
}

/** `range`: whether each point of the evaluation range breaches, oldest first; undefined where there is none. */
export function stateOf(
  range: readonly (boolean | undefined)[],
  { periods, datapoints, missing }: Omit<Test, 'operator' | 'threshold'>,
  before: State,
): State {
  const real = range.filter((point) => point !== undefined)
  if (real.length >= periods) return bad(real.slice(-periods)) >= datapoints ? 'ALARM' : 'OK'
  const filled = periods - real.length
  const breaching = bad(real)
  switch (missing) {
    case 'breaching':
      return breaching + filled >= datapoints ? 'ALARM' : 'OK'
    case 'notBreaching':
      return breaching >= datapoints ? 'ALARM' : 'OK'
    case 'ignore':
      if (breaching >= datapoints) return 'ALARM'
      return breaching === real.length ? before : 'OK'
    case 'missing':
      if (real.length === 0) return 'INSUFFICIENT_DATA'
      if (breaching >= datapoints) return 'ALARM'
      if (breaching < real.length) return 'OK'
      // Bad points alone suffice once the oldest of them is as old as the alarm asks for; until then others may still come late.
      return range.length - range.indexOf(true) >= datapoints ? 'ALARM' : before
  }
}

function bad(list: readonly boolean[]): number {
  return list.filter(Boolean).length
}

/** Whether a composite alarm's rule holds, given the states of the alarms that it names. Throws Unsupported. */
export function ruleHolds(rule: string, stateOfAlarm: (name: string) => State): boolean {
  const tokens = rule.slice(0, 10_240).match(/"[^"]*"|[()]|[^\s()]+/g) ?? []
  let i = 0
  const any = (depth: number): boolean => {
    let value = all(depth)
    while (tokens[i]?.toUpperCase() === 'OR') {
      i++
      const right = all(depth)
      value = value || right
    }
    return value
  }
  const all = (depth: number): boolean => {
    let value = one(depth)
    while (tokens[i]?.toUpperCase() === 'AND') {
      i++
      const right = one(depth)
      value = value && right
    }
    return value
  }
  const one = (depth: number): boolean => {
    const token = tokens[i++]
    if (token === undefined || depth > 40) throw new Unsupported('the rule of this composite alarm')
    if (token.toUpperCase() === 'NOT') return !one(depth + 1)
    if (token === '(') {
      const inner = any(depth + 1)
      if (tokens[i++] !== ')') throw new Unsupported('the rule of this composite alarm')
      return inner
    }
    const word = token.toUpperCase()
    if (word === 'TRUE' || word === 'FALSE') return word === 'TRUE'
    if (!/^(ALARM|OK|INSUFFICIENT_DATA)$/.test(word) || tokens[i++] !== '(')
      throw new Unsupported(`"${token}" in the rule of this composite alarm`)
    const name: string[] = []
    while (i < tokens.length && tokens[i] !== ')') name.push(tokens[i++]!)
    if (tokens[i++] !== ')') throw new Unsupported('the rule of this composite alarm')
    return stateOfAlarm(nameOf(name.join(' '))) === word
  }
  const value = any(0)
  if (i < tokens.length) throw new Unsupported('the rule of this composite alarm')
  return value
}

/** Alarms are named plainly, in quotes, or by their ARN. */
function nameOf(written: string): string {
  const plain = written.replace(/^"|"$/g, '').trim()
  return /^arn:[^:]*:cloudwatch:[^:]*:[^:]*:alarm:(.+)$/.exec(plain)?.[1] ?? plain
}

/** The names that a composite alarm's rule mentions. */
export function namesIn(rule: string): readonly string[] {
  const names: string[] = []
  try {
    ruleHolds(rule, (name) => {
      names.push(name)
      return 'OK'
    })
  } catch (thrown) {
    if (!(thrown instanceof Unsupported)) throw thrown
  }
  return names
}
