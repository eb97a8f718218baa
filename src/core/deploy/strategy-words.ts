/** What a strategy comes to for one deployment, in lines for `deploy plan` and the console. Pure. */
import { durationOf } from '../time.ts'
import { countOf, listOf, percentOf, plural } from '../words.ts'
import type { DeploymentPlan } from './deployment.ts'
import type { RingPlan } from './rings.ts'
import type { ShadowingPlan } from './shadowing.ts'

export function strategyLines(plan: DeploymentPlan): string[] {
  const { part, rolling, rings, warmMs, schemaMsMax, migrations, backfill, contract, previous, queries } = plan
  const old = previous?.release ?? 'the old release'
  const lines: string[] = []
  if (part) {
    const digest = part.digest ? `, ${part.digest.slice(0, 19)}…` : ''
    lines.push(`Artefact: ${part.name} ${part.release} (${part.env}${digest}) with application ${plan.application}.`)
  }
  if (plan.shadow) lines.push(shadowWords(plan.shadow))
  if (rolling) lines.push(`Rolling: ${rolling.says}`)
  if (rings)
    lines.push('Rings, each proven before the next:', ...rings.rings.map((ring, i) => `  ${i + 1}. ${ringWords(ring)}`))
  if (migrations.length > 0 && previous) {
    const proof = queries?.old.length
      ? `${plural(queries.old.length, 'declared query', 'declared queries')} of ${old} must still work, and a synthetic citizen tries it`
      : `a synthetic citizen tries ${old} on it (no queries are declared: migrations.queries)`
    const limit = schemaMsMax ? `, within ${durationOf(schemaMsMax)} or the release is refused` : ''
    lines.push(`Expand: ${listOf(migrations.map(({ file }) => file))} first${limit}; ${proof}.`)
  }
  if (backfill) {
    const when = backfill.when === 'during-trial' ? 'beside the trial' : `after the promotion, while ${old} is warm`
    const pace = `${backfill.batch} rows a batch, ${backfill.pauseMs} ms between two`
    lines.push(
      `Migrate: ${listOf(backfill.files.map(({ file }) => file))} ${when}; ${pace}, at most ${durationOf(backfill.msMax)}.`,
    )
  }
  if (warmMs)
    lines.push(
      `Rollback window: ${old} stays warm for ${durationOf(warmMs)} after the promotion; going back is instant until then.`,
    )
  if (contract?.length) {
    lines.push(
      `Contract: ${listOf(contract.map(({ file }) => file))} when that is over and ${old} is stopped. After that ${old} cannot return.`,
    )
  }
  return lines
}

function shadowWords({ msMin, sampleMin, unintendedShareMax, manifest, unsafe }: ShadowingPlan): string {
  const tolerated = unintendedShareMax === 0 ? 'no difference' : `at most ${percentOf(unintendedShareMax)} differences`
  const proof = unintendedShareMax === 0 ? '' : ' (upper bound, 95 % confidence)'
  const forms = unsafe.length > 0 ? ` and the forms of ${listOf(unsafe)}` : ''
  const intended =
    manifest === '' ? '' : ' Every difference must be in the manifest, and every one in the manifest must be seen.'
  return `Shadow first: copies of all pages${forms} for at least ${durationOf(msMin)} and ${countOf(sampleMin)} pairs of answers, with ${tolerated} that nobody intended${proof}.${intended}`
}

function ringWords({ id, says, tenants, when, share, holdMs, evidence }: RingPlan): string {
  const who = tenants ? `${says} (${plural(tenants.length, 'tenant')})` : says
  const needs = evidence.map(({ what, count }) => `${count} ${what}`)
  const until = listOf([`${durationOf(holdMs)}`, ...needs])
  return `${id}: ${who}, ${percentOf(share)} of their new sessions for at least ${until}${when ? `; opened by a person when ${when}` : ''}`
}
