/** Objectives that the traffic can measure, and recoveries that come before the harm. */
import { countOf } from '../../words.ts'
import type { Journey, Service } from '../schema.ts'
import type { Fault } from '../structure.ts'

type Part = Partial<Service>

/** Attempts a day: 16 hours by day and 8 at night, or the sum of the hours. */
export function attemptsPerDay(demand: NonNullable<Journey['demand']>): number {
  if (demand.byHour) return demand.byHour.reduce((sum, perMinute) => sum + perMinute * 60, 0)
  return demand.normalPerMinute * 16 * 60 + demand.nightPerMinute * 8 * 60
}

/** Days of a window such as P28D; a parliamentary session is taken as a year. */
export function windowDays(window: string): number {
  const found = window.match(/^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?/)
  if (!found) return 365
  const [years, months, weeks, days] = found.slice(1).map((part) => Number(part ?? 0))
  return years! * 365 + months! * 30 + weeks! * 7 + days!
}

export function budgets(service: Part): Fault[] {
  return (service.slis ?? []).flatMap((sli, i): Fault[] => {
    if (!('targetPercent' in sli) || sli.targetPercent === undefined) return []
    const path = ['slis', i, 'targetPercent']
    if (sli.targetPercent === 100)
      return [
        {
          rule: 'objective-without-budget',
          path,
          says: `"${sli.id}" promises 100 %: the first failure breaks it for the whole window, and no burn rate can be computed.`,
          fix: 'If it must never happen, make it kind: invariant. Otherwise promise less than 100.',
          arithmetic: '1 − 100 % = 0 to burn',
        },
      ]
    if (sli.targetPercent < 50 && sli.targetPercent <= 1)
      return [
        {
          rule: 'wrong-unit',
          path,
          says: `"${sli.id}" promises ${sli.targetPercent} %; that reads like a share.`,
          fix: `Write targetPercent: ${Number((sli.targetPercent * 100).toPrecision(6))}`,
        },
      ]
    if (sli.kind !== 'ratio') return []
    const demand = service.journeys?.find((journey) => journey.id === sli.journey)?.demand
    if (!demand) return []
    const attempts = attemptsPerDay(demand) * windowDays(sli.window)
    const budget = attempts * (1 - sli.targetPercent / 100)
    if (budget >= 1) return []
    return [
      {
        rule: 'objective-unmeasurable',
        path,
        says: `"${sli.id}" promises ${sli.targetPercent} %, and ${countOf(attempts)} attempts in ${sli.window} leave a budget of ${Number(budget.toPrecision(2))} failures: one single failure breaks it.`,
        fix: `Promise at most ${maxTarget(attempts)} %, take a longer window, or watch it with synthetic journeys.`,
        arithmetic: `${countOf(attempts)} × (1 − ${sli.targetPercent / 100}) = ${Number(budget.toPrecision(2))}`,
      },
    ]
  })
}

/** The highest objective that leaves three failures, so that a burn can be told from bad luck. */
function maxTarget(attempts: number): number {
  return Math.max(0, Math.floor((1 - 3 / Math.max(3, attempts)) * 1_000) / 10)
}

export function recovery(service: Part): Fault[] {
  const journeys = (service.journeys ?? []).flatMap((journey, i): Fault[] => {
    const { recoverMinutes, harmAfterMinutes } = journey.tolerance
    if (harmAfterMinutes === undefined || recoverMinutes <= harmAfterMinutes) return []
    return [
      {
        rule: 'recovery-longer-than-tolerance',
        path: ['journeys', i, 'tolerance', 'recoverMinutes'],
        says: `"${journey.id}" is promised back within ${recoverMinutes} minutes, and citizens are harmed after ${harmAfterMinutes}.`,
        fix: `Promise ${harmAfterMinutes} minutes or less, or say what they can do meanwhile and when harm then begins.`,
        arithmetic: `${recoverMinutes} > ${harmAfterMinutes}`,
      },
    ]
  })
  return [...journeys, ...rollback(service)]
}

function rollback(service: Part): Fault[] {
  const plan = service.deployment?.rollback
  if (!plan) return []
  const faults: Fault[] = []
  const path = ['deployment', 'rollback']
  const parts = Object.entries(plan.budget)
  const sum = parts.reduce((total, [, minutes]) => total + minutes, 0)
  const arithmetic = `${parts.map(([name, minutes]) => `${name} ${minutes}`).join(' + ')} = ${sum} min`
  if (sum > plan.maxMinutes)
    faults.push({
      rule: 'rollback-budget',
      path: [...path, 'budget'],
      says: `The way back takes ${sum} minutes; ${plan.maxMinutes} are promised.`,
      fix: 'Shorten the longest part, or keep the old release warm so that switching takes seconds.',
      arithmetic,
    })
  if (plan.maxMinutes > 15)
    faults.push({
      rule: 'rollback-budget',
      path: [...path, 'maxMinutes'],
      says: `Going back may take ${plan.maxMinutes} minutes. Citizens are promised 15.`,
      fix: 'Promise 15 minutes or less.',
      arithmetic: `${plan.maxMinutes} > 15`,
    })
  const tightest = (service.journeys ?? []).toSorted(
    (a, b) => a.tolerance.recoverMinutes - b.tolerance.recoverMinutes,
  )[0]
  if (tightest && plan.maxMinutes > tightest.tolerance.recoverMinutes && plan.maxMinutes <= 15)
    faults.push({
      rule: 'recovery-longer-than-tolerance',
      path: [...path, 'maxMinutes'],
      says: `Going back may take ${plan.maxMinutes} minutes, and "${tightest.id}" must work again within ${tightest.tolerance.recoverMinutes}.`,
      fix: `Promise ${tightest.tolerance.recoverMinutes} minutes or less.`,
      arithmetic: `${plan.maxMinutes} > ${tightest.tolerance.recoverMinutes}`,
    })
  return faults
}

/** Four round trips (name, connection, secure connection, request) and the bytes must fit into the promise. */
export function pageBudget(service: Part): Fault[] {
  return (service.journeys ?? []).flatMap((journey, i): Fault[] => {
    const budget = journey.budget
    if (!budget) return []
    const tripsMs = 4 * budget.rttMs
    const bytesMs = (budget.criticalBytes * 8) / budget.kbitPerSecond
    const total = Math.round(tripsMs + bytesMs)
    if (total <= budget.largestContentfulPaintMs) return []
    const room = Math.max(
      0,
      Math.floor(((budget.largestContentfulPaintMs - tripsMs) * budget.kbitPerSecond) / 8 / 1_000) * 1_000,
    )
    return [
      {
        rule: 'page-budget-cannot-hold',
        path: ['journeys', i, 'budget', 'criticalBytes'],
        says: `At ${budget.kbitPerSecond} kbit/s, ${countOf(budget.criticalBytes)} bytes cannot be there within ${countOf(budget.largestContentfulPaintMs)} ms.`,
        fix: `Allow at most ${countOf(room)} bytes before the main thing is visible.`,
        arithmetic: `4 × ${budget.rttMs} ms + ${countOf(budget.criticalBytes)} × 8 / ${budget.kbitPerSecond} ms = ${countOf(total)} ms`,
      },
    ]
  })
}
