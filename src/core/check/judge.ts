/** Runs rules over a world. Pure: the same files, rules and moment always give the same report. */
import type { Finding, Severity } from '../errors.ts'
import { messageOf } from '../errors.ts'
import type { Instant } from '../time.ts'
import { type Allowance, allowanceFor, allowancesOf, flawOf } from './allowance.ts'
import { type Claim, vouchedFor } from './capability.ts'
import { type Format, isNotProduction } from './detect.ts'
import type { Rule, Verdict } from './rule.ts'
import type { Tree } from './tree.ts'
import { type World, worldOf } from './world.ts'

export interface CheckedFile {
  readonly file: string
  readonly format: Format
  readonly verdicts: { readonly pass: number; readonly fail: number; readonly 'cannot-tell': number }
}

export interface Report {
  readonly checked: readonly CheckedFile[]
  /** Worst first: severity, then failures before open questions, then reach among citizens. */
  readonly findings: readonly Finding[]
  /** How many rules ran. */
  readonly rules: number
  /** Findings that an allowance covers; part of `findings` too, with `suppressed`. */
  readonly suppressed: number
  /** Questions that count as answered because somebody vouched for what the files do not show. */
  readonly claims: readonly Claim[]
  /** How often each rule was satisfied; rules that never were are absent. */
  readonly passed: ReadonlyMap<string, number>
}

/** The rule id of findings about files that could not be read whole. */
export const UNREADABLE = 'unreadable'

/** Judges a tree. `today` is epoch milliseconds; only expiry dates depend on it. */
export function judge(tree: Tree, rules: readonly Rule[], today: Instant): Report {
  return judgeWorld(worldOf(tree, today), rules)
}

/** The same for a world that is already there; its own moment counts. */
export function judgeWorld(world: World, rules: readonly Rule[]): Report {
  const { today } = world
  const allowances = world.all.flatMap(allowancesOf)
  const tally = new Map(world.files.map(({ file, format }) => [file, { format, pass: 0, fail: 0, 'cannot-tell': 0 }]))
  const graded: Graded[] = []
  const claims: Claim[] = []
  const passed = new Map<string, number>()
  for (const rule of rules) {
    for (const given of verdictsOf(rule, world)) {
      const verdict = guessed(world, tally.get(given.at.file)?.format, settled(world, rule, given, claims))
      const counts = tally.get(verdict.at.file)
      if (counts) counts[verdict.verdict]++
      if (verdict.verdict === 'pass') passed.set(rule.id, (passed.get(rule.id) ?? 0) + 1)
      else graded.push({ finding: findingOf(rule, verdict, allowances, today), reach: rule.reach })
    }
  }
  graded.push(...unreadable(world))
  const findings = graded.sort(byHarm).map(({ finding }) => finding)
  return {
    checked: [...tally]
      .map(([file, { format, ...verdicts }]) => ({ file, format, verdicts }))
      .sort((a, b) => compare(a.file, b.file)),
    findings,
    rules: rules.length,
    suppressed: findings.filter((finding) => finding.suppressed).length,
    claims,
    passed,
  }
}

/** An open question becomes a pass when a capability map vouches for what it could not see into, and the claim is kept. */
function settled(world: World, rule: Rule, verdict: Verdict, claims: Claim[]): Verdict {
  if (verdict.verdict !== 'cannot-tell' || verdict.ref === undefined) return verdict
  const vouched = vouchedFor(world, verdict.ref, rule.id)
  if (!vouched) return verdict
  if ('why' in vouched)
    return { ...verdict, needs: `${verdict.needs}. The capability map does not settle it: ${vouched.why}` }
  const { owner, digest, evidence } = vouched.by
  const { file, line } = verdict.at
  claims.push({ rule: rule.id, file, line, ref: verdict.ref, owner, digest, evidence })
  return { verdict: 'pass', at: verdict.at }
}

// Formats in which a setting that is not there has a meaning.
const DECLARED: ReadonlySet<string> = new Set(['terraform', 'cloudformation', 'ecs', 'kubernetes', 'compose'])

/** What a file lacks may stand in the part of it that we could not read. */
function guessed(world: World, format: string | undefined, verdict: Verdict): Verdict {
  const partly = verdict.verdict === 'fail' && DECLARED.has(format ?? '') && world.problems.has(verdict.at.file)
  return partly ? { ...verdict, soft: true } : verdict
}

interface Graded {
  readonly finding: Finding
  readonly reach: number
}

/** A rule's verdicts once each, without those on files that only serve rehearsal. A rule that throws is our fault, and says so. */
function verdictsOf(rule: Rule, world: World): readonly Verdict[] {
  const seen = new Map<string, Verdict>()
  try {
    for (const verdict of rule.check(world)) {
      if (!rule.everywhere && isNotProduction(verdict.at.file) && !isPipelineFile(verdict.at.file)) continue
      const { file, line, col } = verdict.at
      const key = `${file}\0${line}\0${col}\0${verdict.verdict === 'pass' ? '' : verdict.says}`
      if (!seen.has(key)) seen.set(key, verdict)
    }
  } catch (thrown) {
    const file = world.files[0]?.file ?? '.'
    const says = `The rule ${rule.id} broke on this input: ${messageOf(thrown).slice(0, 200)}`
    return [
      {
        verdict: 'cannot-tell',
        at: { file, line: 1, col: 1 },
        says,
        needs: 'a report of this fault to the authors of Holdfast',
      },
    ]
  }
  return [...seen.values()]
}

/** A pipeline named ci.yml or test.yml may well deploy production. */
function isPipelineFile(path: string): boolean {
  return (
    /(^|\/)\.github\/|(^|\/)Jenkinsfile/.test(path) &&
    !/(^|\/)(tests?|fixtures|examples?|samples?|testdata)\//i.test(path)
  )
}

const LOWER: Readonly<Record<Severity, number>> = { error: 0, warn: 1, info: 2 }

function findingOf(
  rule: Rule,
  verdict: Exclude<Verdict, { verdict: 'pass' }>,
  allowances: readonly Allowance[],
  today: Instant,
): Finding {
  const { file, line, col } = verdict.at
  const base = { rule: rule.id, file, line, col, says: verdict.says, harm: rule.harm, fix: rule.fix, cites: rule.cites }
  if (verdict.verdict === 'cannot-tell')
    return { ...base, verdict: 'cannot-tell', severity: 'info', needs: verdict.needs }
  const stated = verdict.severity && LOWER[verdict.severity] > LOWER[rule.severity] ? verdict.severity : rule.severity
  const severity = verdict.soft && stated === 'error' ? 'warn' : stated
  const allowance = allowanceFor(allowances, rule.id, file, line)
  const holds = allowance && flawOf(allowance, today) === undefined
  return {
    ...base,
    verdict: 'fail',
    severity,
    ...(verdict.fix ? { fix: verdict.fix } : {}),
    ...(verdict.arithmetic ? { arithmetic: verdict.arithmetic } : {}),
    ...(holds ? { suppressed: { reason: allowance.reason, owner: allowance.owner, until: allowance.expires } } : {}),
  }
}

function unreadable(world: World): readonly Graded[] {
  const limits = world.tree.problems.map((problem) => ({ file: problem.file, problem }))
  const broken = [...world.problems].flatMap(([file, problems]) =>
    problems.slice(0, 3).map((problem) => ({ file, problem })),
  )
  return [...limits, ...broken].map(({ file, problem }) => ({
    reach: 1,
    finding: {
      rule: UNREADABLE,
      verdict: 'cannot-tell' as const,
      severity: 'warn' as const,
      file,
      line: problem.line,
      col: problem.col,
      says: problem.says,
      harm: 'What is not read is not checked: a mistake in it would reach citizens unseen.',
      fix: 'Mend or shorten the file, or leave it out of the paths that are checked.',
      cites: 'Holdfast: limits on input',
      needs: 'a file that can be read to its end',
    },
  }))
}

function byHarm(a: Graded, b: Graded): number {
  const [x, y] = [a.finding, b.finding]
  return (
    LOWER[x.severity] - LOWER[y.severity] ||
    (x.verdict === y.verdict ? 0 : x.verdict === 'fail' ? -1 : 1) ||
    b.reach - a.reach ||
    compare(x.rule, y.rule) ||
    compare(x.file, y.file) ||
    x.line - y.line ||
    x.col - y.col
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
