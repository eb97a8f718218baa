/** Agreeing to somebody else's release, and looking at broken glass afterwards. Nobody does either for themselves. */
import { userInfo } from 'node:os'
import { approvalWords, shortHash, whoMay } from '../../core/deploy/approval.ts'
import { gateRows } from '../../core/deploy/before-view.ts'
import type { DeploymentState } from '../../core/deploy/deployment.ts'
import { EXIT, OpsError } from '../../core/errors.ts'
import { londonOf } from '../../core/time.ts'
import type { Call, Command, Option } from '../command.ts'

const BY: Option = {
  flags: '--by <name>',
  says: 'who you are, for the log (default: the account you are logged in as)',
}
const REASON: Option = { flags: '--reason <text>', says: 'why, in one sentence; it goes into the log' }

export const approve: Command = {
  name: 'deploy approve',
  args: '[id]',
  says: 'Agrees to the release that waits. Never your own; each person once; what you agree to is that plan and no other.',
  example: 'holdfast deploy approve dep-r2-1a2b3c4d --by ben --reason "read the change, tests and rollback plan"',
  options: [REASON, BY],
  exits: {
    1: 'there is no such deployment, it waits for nobody, or your approval does not count: why is said',
    3: 'the store cannot be reached',
  },
  async run(call) {
    const reason = needed(call, approve.example)
    const { openStation } = await import('../../station/station.ts')
    const { findDeployment } = await import('../../station/deploy.ts')
    const { approveDeployment } = await import('../../station/approve.ts')
    const station = await openStation({ ...lookOptions(call), look: true })
    try {
      const { store, world, service } = station
      const row = await findDeployment(store, service.service.id, call.args[0])
      const before = row.state as unknown as DeploymentState
      const agreed = await approveDeployment(store, world, row, { reason, ...nameOf(call) })
      const { state, approved, why } = agreed
      if (call.json) {
        const given = (state.approvals ?? []).map(({ who, at, plan }) => ({ who, at, plan }))
        call.io.out(JSON.stringify({ approved, why, deployment: row.id, phase: state.phase.name, given }))
      } else {
        call.io.out(
          approved ? [why, ...agreedTo(before), approvalWords(state.plan, state.approvals ?? [])].join('\n') : why,
        )
      }
      if (approved && !agreed.elsewhere) {
        call.io.progress('No engine is running here: the release goes on as soon as one does. holdfast serve')
      }
      return approved ? EXIT.done : EXIT.no
    } finally {
      await station.close()
    }
  },
}

/** What the agreement is to, so that nobody agrees to a name alone. */
function agreedTo(state: DeploymentState): string[] {
  const { plan } = state
  const [approval] = [state.approvals?.at(-1)]
  const gates = gateRows(state).map(({ name, word }) => `${name} ${word}`)
  return [
    `Release ${plan.next.release} of ${plan.serviceName}, asked for by ${plan.requestedBy}: ${plan.reason}`,
    `What it is: ${plan.artefact && 'digest' in plan.artefact ? plan.artefact.digest : 'no digest is known'}${approval ? `, plan ${shortHash(approval.plan)}` : ''}`,
    ...(plan.migrations.length > 0 ? [`Database changes: ${plan.migrations.map(({ file }) => file).join(', ')}`] : []),
    ...(gates.length > 0 ? [`Gates: ${gates.join('; ')}`] : []),
    `Who may agree: ${whoMay(plan)}`,
  ]
}

export const review: Command = {
  name: 'deploy review',
  args: '[id]',
  says: 'Broken glass that nobody has looked at yet; with an id, writes down what you found. Never your own.',
  example: 'holdfast deploy review dep-r2-1a2b3c4d --by carys --reason "was needed; window widened for next year"',
  options: [REASON, BY],
  exits: {
    1: 'somebody has to look at broken glass, or your own was meant',
    3: 'the store cannot be reached',
  },
  async run(call) {
    const { openStation } = await import('../../station/station.ts')
    const { findDeployment } = await import('../../station/deploy.ts')
    const { brokenGlass, reviewGlass } = await import('../../station/review.ts')
    const station = await openStation({ ...lookOptions(call), look: true })
    try {
      const { store, service } = station
      const id = service.service.id
      if (call.args[0] !== undefined) {
        const row = await findDeployment(store, id, call.args[0])
        const { plan } = row.state as unknown as DeploymentState
        await reviewGlass(store, id, plan, { reason: needed(call, review.example), ...nameOf(call) })
      }
      const all = await brokenGlass(store, id)
      const open = all.filter((one) => one.review === null)
      if (call.json) call.io.out(JSON.stringify({ broken: all, open: open.length }))
      else {
        const lines = all.map((one) => {
          const seen = one.review ? `looked at by ${one.review.who}` : 'NOT LOOKED AT YET'
          return `${one.id}  ${londonOf(one.at)}  release ${one.release}, ${one.ended}: ${one.waiver.who} broke the glass: ${one.waiver.why} (${seen})`
        })
        call.io.out(lines.length > 0 ? lines.join('\n') : 'Nobody has broken the glass.')
      }
      return open.length > 0 && call.args[0] === undefined ? EXIT.no : EXIT.done
    } finally {
      await station.close()
    }
  },
}

/** The name, and how it was established: a reader of the log judges what it is worth. */
function nameOf({ options, io }: Call): { readonly who: string; readonly how: string } {
  if (typeof options.by === 'string') return { who: options.by, how: `named with --by by the account ${account()}` }
  if (io.env.HOLDFAST_USER) return { who: io.env.HOLDFAST_USER, how: `HOLDFAST_USER of the account ${account()}` }
  return { who: account(), how: 'account of this machine' }
}

function account(): string {
  return userInfo().username
}

function lookOptions({ state, service, io }: Call) {
  return {
    state,
    serviceFile: service,
    env: io.env,
    remark: (text: string) => io.progress(text),
    listen: '127.0.0.1:0',
  }
}

function needed(call: Call, example: string): string {
  const { reason } = call.options
  if (typeof reason === 'string' && reason.trim()) return reason.trim()
  throw new OpsError('OPTION_MISSING', { message: '--reason is needed.', fix: example, exit: EXIT.usage })
}
