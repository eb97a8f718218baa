/**
 * The arithmetic under the verdict: what no test can beat (Wald), what proves "not worse", and confidence limits for counts.
 * Rates are shares, 0 to 1; evidence is in nats (natural logarithm).
 */

/** KL(p‖q) of two coins, in nats a throw: how fast q's denial grows when p is true. Wald 1945. */
export function klOf(p: number, q: number): number {
  const term = (a: number, b: number) => (a === 0 ? 0 : a * Math.log(a / b))
  return term(p, q) + term(1 - p, 1 - q)
}

/** Units of the new release that any test with error budget `alpha` needs on average, when the old rate `p0` is known exactly. */
export function waldUnits(p0: number, p1: number, alpha: number): number {
  return Math.log(1 / alpha) / klOf(p1, p0)
}

/**
 * Failures that any such test has to let happen on average: `p1` for each unit. With every unit failing, they come in whole
 * numbers: ceil(ln(1/alpha) / ln(1/p0)).
 */
export function waldFailures(p0: number, p1: number, alpha: number): number {
  return p1 * waldUnits(p0, p1, alpha)
}

/** Jensen–Shannon information a unit of either arm gives when the common rate is unknown and a share `w` is on the new release. */
export function splitInformation(p0: number, p1: number, w: number): number {
  const mixed = w * p1 + (1 - w) * p0
  return w * klOf(p1, mixed) + (1 - w) * klOf(p0, mixed)
}

/** Failed units of the new release that a two-sample test needs on average at share `w`: grows with `w`, so start small. */
export function splitFailures(p0: number, p1: number, w: number, alpha: number): number {
  return (w * p1 * Math.log(1 / alpha)) / splitInformation(p0, p1, w)
}

/** Units without more failures than `p0` that show, with miss probability `miss`, that the rate is below `limit`. */
export function notWorseUnits(p0: number, limit: number, miss: number): number {
  return Math.log(1 / miss) / klOf(p0, limit)
}

/** ln Γ(x) for x > 0 by Stirling's series after lifting x above 10; relative error below 1e-12. */
export function lnGamma(x: number): number {
  let shift = 0
  let z = x
  while (z < 10) {
    shift -= Math.log(z)
    z += 1
  }
  const inverse = 1 / (z * z)
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / z
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series
}

export function lnBeta(a: number, b: number): number {
  return lnGamma(a) + lnGamma(b) - lnGamma(a + b)
}

/** How much history weighs against the units of this trial in `worstRate`, in units (facts: S = 200). */
const HISTORY_UNITS = 200

/**
 * The largest failure rate that `failed` of `units` still allows, at every moment of a trial at once (a time-uniform bound
 * from a beta mixture around the expected rate `p`): with probability 1 − `miss` the true rate never exceeds it. 1 with no units.
 */
export function worstRate(units: number, failed: number, p: number, miss: number): number {
  if (units <= 0) return 1
  const prior = HISTORY_UNITS * p
  const other = HISTORY_UNITS * (1 - p)
  const mixture = lnBeta(failed + prior, units - failed + other) - lnBeta(prior, other)
  const limit = Math.log(1 / miss)
  const denied = (q: number) => mixture - failed * Math.log(q) - (units - failed) * Math.log(1 - q) >= limit
  let low = Math.min(Math.max(failed / units, 1e-9), 1 - 1e-9)
  let high = 1 - 1e-12
  if (denied(low) || !denied(high)) return 1
  for (let i = 0; i < 40 && high - low > 1e-7; i++) {
    const middle = (low + high) / 2
    if (denied(middle)) high = middle
    else low = middle
  }
  return high
}

/** Regularised incomplete beta function, by Lentz's continued fraction. */
export function betaShare(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(1 - x, b, a)
  const front = Math.exp(a * Math.log(x) + b * Math.log(1 - x) - lnBeta(a, b)) / a
  const tiny = 1e-300
  let c = 1
  let d = 1 - ((a + b) * x) / (a + 1)
  d = 1 / (Math.abs(d) < tiny ? tiny : d)
  let sum = d
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / nonZero(1 + even * d)
    c = nonZero(1 + even / c)
    sum *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / nonZero(1 + odd * d)
    c = nonZero(1 + odd / c)
    sum *= d * c
    if (Math.abs(d * c - 1) < 1e-12) break
  }
  return front * sum
}

function nonZero(x: number): number {
  return Math.abs(x) < 1e-300 ? 1e-300 : x
}

/** Clopper–Pearson limits for a share seen `hits` times in `runs`, each side with error `(1 − level) / 2`. */
export function clopperPearson(hits: number, runs: number, level = 0.95): { low: number; high: number } {
  const side = (1 - level) / 2
  const low = hits === 0 ? 0 : solve((q) => 1 - betaShare(1 - q, runs - hits + 1, hits) - side)
  const high = hits === runs ? 1 : solve((q) => side - betaShare(1 - q, runs - hits, hits + 1))
  return { low, high }
}

/** The root in (0, 1) of a rising function. */
function solve(rising: (q: number) => number): number {
  let low = 0
  let high = 1
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (rising(middle) < 0) low = middle
    else high = middle
  }
  return high
}
