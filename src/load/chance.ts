import { type Dice, diceOf } from '../core/rehearse/dice.ts'

/** Seeded chance for people: the same seed sends the same people at the same moments. Not for secrets. */
export interface Chance {
  /** True this often, 0 to 1. */
  often(share: number): boolean
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  pick<T>(from: readonly T[]): T
  /** Waiting time between two arrivals of a Poisson process with this mean, in the mean's unit. */
  exponential(mean: number): number
  /** Chance of its own for the n-th visitor, which does not depend on how often this one was asked before. */
  fork(n: number): Chance
}

export function chanceOf(seed: number): Chance {
  const dice: Dice = diceOf(seed)
  return {
    often: (share) => dice.next() < share,
    between: (low, high) => low + Math.floor(dice.next() * (high - low + 1)),
    pick: (from) => from[Math.floor(dice.next() * from.length)]!,
    exponential: (mean) => -mean * Math.log(1 - dice.next()),
    // Odd multipliers keep neighbouring seeds and neighbouring visitors apart.
    fork: (n) => chanceOf(Math.imul(seed + 1, 0x85ebca6b) ^ Math.imul(n + 1, 0x9e3779b1)),
  }
}
