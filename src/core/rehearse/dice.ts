/** Dice with a seed: the same seed always gives the same world, on every machine. sfc32 (C. Doty-Humphrey, public domain design). */
export interface Dice {
  /** Uniform in [0, 1). */
  next(): number
}

export function diceOf(seed: number): Dice {
  let a = 0x9e3779b9
  let b = seed | 0
  let c = 0x243f6a88 ^ Math.imul(seed | 0, 0x85ebca6b)
  let d = 1
  const next = () => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return (t >>> 0) / 4294967296
  }
  for (let i = 0; i < 12; i++) next()
  return { next }
}

/** A count with mean `mean`: exact below 30, normal with continuity above. */
export function poisson(dice: Dice, mean: number): number {
  if (mean <= 0) return 0
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(dice)))
  const limit = Math.exp(-mean)
  let n = 0
  for (let product = dice.next(); product > limit; product *= dice.next()) n++
  return n
}

/** Standard normal (Box and Muller). */
export function normal(dice: Dice): number {
  return Math.sqrt(-2 * Math.log(1 - dice.next())) * Math.cos(2 * Math.PI * dice.next())
}

/** Gamma with shape `shape` and scale 1 (Marsaglia and Tsang 2000). */
export function gamma(dice: Dice, shape: number): number {
  if (shape < 1) return gamma(dice, shape + 1) * (1 - dice.next()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = normal(dice)
    const v = (1 + c * x) ** 3
    if (v > 0 && Math.log(1 - dice.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Beta with mean `mean` and intra-class correlation `rho` in (0, 1): the rate of one interval in a beta-binomial world. */
export function beta(dice: Dice, mean: number, rho: number): number {
  const size = 1 / rho - 1
  const x = gamma(dice, mean * size)
  const y = gamma(dice, (1 - mean) * size)
  return x + y === 0 ? mean : x / (x + y)
}
