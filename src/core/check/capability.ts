/**
 * Capability maps: somebody vouches, once and with a digest, for what a remote workflow, module, chart or library does. A rule that
 * cannot see into it then counts as answered, as a claim by that owner and never as something observed.
 *
 *   # holdfast-capabilities.yaml
 *   capabilities:
 *     - match: org/shared/.github/workflows/deploy.yml@*
 *       digest: git:8f4b7f84864484a7bf31766abe9204da3cbe65b3   # the commit that is used
 *       provides: [gate-security-scan, gate-approval]
 *       evidence: docs/shared-deploy-review.md
 *       owner: platform team
 *       expires: 2027-03-31
 *
 * The digest is one of: `git:<commit>`, which must be the commit the reference is pinned to; `sha256:<hex>` with `copy: <path>`, the
 * file of this repository that was reviewed; `sha256:<hex>` of a chart, which must stand in a Chart.lock beside it.
 */
import { createHash } from 'node:crypto'
import { type Instant, isoOf } from '../time.ts'
import { child, items, type Spot, spotOf, text } from './formats/node.ts'
import { linesOf } from './formats/position.ts'
import { readYaml } from './formats/yaml.ts'
import type { Tree } from './tree.ts'
import type { World } from './world.ts'

export interface Capability {
  readonly match: string
  readonly digest: string
  readonly copy?: string
  /** Rule ids that it answers. */
  readonly provides: readonly string[]
  readonly evidence: string
  readonly owner: string
  /** ISO date of the last day it holds. */
  readonly expires: string
  readonly at: Spot
}

/** A vouching that answered for something unseen. */
export interface Claim {
  readonly rule: string
  readonly file: string
  readonly line: number
  /** What was vouched for, as the file writes it. */
  readonly ref: string
  readonly owner: string
  readonly digest: string
  readonly evidence: string
}

export const CAPABILITY_FILE = /(^|\/)holdfast-capabilities\.ya?ml$/

/** Short names that people know, for the rules they mean. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  'gate.tests': ['gate-tests'],
  'gate.scan': ['gate-security-scan'],
  'gate.a11y': ['gate-accessibility'],
  'gate.approval': ['gate-approval'],
  'rollback.path': ['rollback-path', 'rollback-job-timeout'],
  'deploy.record': ['deployment-record'],
  'deploy.wait': ['deploy-waits', 'deploy-timeout', 'deploy-concurrency'],
}

// Asked for once a rule; a world never changes.
const known = new WeakMap<Tree, readonly Capability[]>()

export function capabilitiesOf(world: World): readonly Capability[] {
  const before = known.get(world.tree)
  if (before) return before
  const found = world.tree.files.filter(({ path }) => CAPABILITY_FILE.test(path)).flatMap(capabilitiesIn)
  known.set(world.tree, found)
  return found
}

function capabilitiesIn(file: Tree['files'][number]): readonly Capability[] {
  const [root] = readYaml({ file: file.path, text: file.text, lines: linesOf(file.text) }).documents
  return items(child(root, 'capabilities'))
    .slice(0, 200)
    .map((node) => {
      const of = (key: string) => (text(child(node, key)) ?? '').trim()
      const copy = of('copy')
      return {
        match: of('match').replace(/^uses:\s*/, ''),
        digest: of('digest'),
        ...(copy ? { copy } : {}),
        provides: items(child(node, 'provides')).flatMap((item) => {
          const name = text(item) ?? ''
          return SHORT[name] ?? (name ? [name] : [])
        }),
        evidence: of('evidence'),
        owner: of('owner'),
        expires: of('expires'),
        at: spotOf(node),
      }
    })
}

/** What keeps an entry from vouching for anything, or undefined. `today` is epoch milliseconds. */
export function flawOfCapability(capability: Capability, tree: Tree, today: Instant): string | undefined {
  if (capability.match === '') return 'It says nothing it matches.'
  if (capability.owner === '') return 'It names no owner.'
  if (capability.evidence === '') return 'It names no evidence.'
  if (capability.provides.length === 0) return 'It provides nothing.'
  if (!/^\d{4}-\d{2}-\d{2}$/.test(capability.expires)) return 'It has no date of expiry (expires: YYYY-MM-DD).'
  if (capability.expires < isoOf(today).slice(0, 10)) return `It expired on ${capability.expires}.`
  if (!/^(git:[0-9a-f]{40}|sha256:[0-9a-f]{64})$/.test(capability.digest))
    return 'It has no digest (git: and 40, or sha256: and 64 hexadecimal digits).'
  if (capability.copy === undefined) return undefined
  const file = tree.files.find(({ path }) => path === capability.copy)
  if (!file) return `Its copy ${capability.copy} is not in the repository.`
  const digest = `sha256:${createHash('sha256').update(file.text).digest('hex')}`
  return digest === capability.digest
    ? undefined
    : `${capability.copy} is no longer what was reviewed: its digest is ${digest}.`
}

export type Vouched = { readonly by: Capability } | { readonly why: string } | undefined

/** Who vouches that `ref` answers this rule; or why the entry that matches does not; undefined when none matches. */
export function vouchedFor(world: World, ref: string, rule: string): Vouched {
  const entry = capabilitiesOf(world).find((one) => one.provides.includes(rule) && matches(one.match, ref))
  if (!entry) return undefined
  const flaw = flawOfCapability(entry, world.tree, world.today)
  if (flaw) return { why: flaw }
  if (entry.copy !== undefined) return { by: entry }
  const [kind, hex = ''] = entry.digest.split(':')
  if (kind === 'git')
    return ref.includes(hex)
      ? { by: entry }
      : { why: `${ref} is not pinned to the commit that was reviewed (${hex.slice(0, 12)}).` }
  const locked = world.tree.files.some(
    ({ path, text: content }) => /(^|\/)Chart\.lock$/.test(path) && content.includes(hex),
  )
  return locked ? { by: entry } : { why: `Nothing in the repository has the digest ${entry.digest.slice(0, 19)}….` }
}

/** `*` stands for any run of characters; everything else for itself. */
function matches(pattern: string, ref: string): boolean {
  const parts = pattern.split('*')
  let at = 0
  for (const [index, part] of parts.entries()) {
    const found = index === 0 ? (ref.startsWith(part) ? 0 : -1) : ref.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  const last = parts.at(-1)!
  return last === '' || (parts.length === 1 ? at === ref.length : ref.endsWith(last))
}
