/** The watch commands: how citizens are doing, why a threshold is what it is, and when a recording would have paged. */
import { createReadStream, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { EXIT, type ExitCode, OpsError } from '../../core/errors.ts'
import { londonOf } from '../../core/time.ts'
import { countOf, nearest, percentOf } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

const status: Command = {
  name: 'watch status',
  says: 'How citizens are doing at each journey step: now, the last five minutes, the last hour.',
  example: 'holdfast watch status',
  exits: { 1: 'citizens are failing, or nobody can tell', 3: 'the store cannot be reached' },
  async run(call) {
    const { openHoldfastStore } = await import('../../adapters/postgres/open.ts')
    const { readService } = await import('../../station/station.ts')
    const { watchId } = await import('../../core/watch/watching.ts')
    const { statusOf } = await import('../../core/watch/status.ts')
    const service = readService(call.service)
    const { store } = await openHoldfastStore({ state: call.state, env: call.io.env })
    try {
      const row = await store.read(watchId(service.service.id))
      if (!row) {
        throw new OpsError('NO_WATCH', {
          message: `Nobody watches ${service.service.name} yet.`,
          fix: 'holdfast serve   (it watches from its start on)',
        })
      }
      const seen = statusOf(row.state as never, await store.now())
      if (call.json) call.io.out(JSON.stringify(seen))
      else {
        call.io.out(seen.says)
        if (seen.incident) call.io.out(`Incident: ${seen.incident}   holdfast respond show ${seen.incident}`)
        call.io.out('')
        for (const one of seen.steps) {
          const { ok, failed, slow } = one.last5
          const hour = one.last60
          const name = `${one.journey}/${one.step}`.padEnd(30)
          const slowly = slow > 0 ? ` (${slow} too slow)` : ''
          call.io.out(
            `${one.state.padEnd(8)} ${name} 5 min: ${countOf(failed)} of ${countOf(ok + failed)} failed${slowly}   hour: ${countOf(hour.failed)} of ${countOf(hour.ok + hour.failed)}`,
          )
        }
      }
      return seen.blind || seen.steps.some((one) => one.state === 'failing') ? EXIT.no : EXIT.done
    } finally {
      await store.close()
    }
  },
}

const explainCommand: Command = {
  name: 'watch explain',
  args: '<step>',
  says: 'Why a step pages when it does: the arithmetic, and how many citizens each size of fault would harm by day, at the peak and at night.',
  example: 'holdfast watch explain apply/submit',
  async run(call) {
    const { readService } = await import('../../station/station.ts')
    const { watchPlanOf } = await import('../../core/watch/plan.ts')
    const { keyOf } = await import('../../core/watch/watching.ts')
    const { explain } = await import('../../core/watch/explain.ts')
    const service = readService(call.service)
    const plan = watchPlanOf(service, Date.now())
    const wanted = String(call.args[0])
    const step = plan.steps.find((one) => keyOf(one) === wanted)
    if (!step) {
      const known = plan.steps.map(keyOf)
      const meant = nearest(wanted, known)
      throw new OpsError('UNKNOWN_WORD', {
        message: `The definition has no watched step "${wanted.slice(0, 100)}".`,
        fix: meant ? `holdfast watch explain ${meant}` : `one of ${known.join(', ')}`,
        exit: EXIT.usage,
      })
    }
    const told = explain(service, plan, step)
    if (call.json) call.io.out(JSON.stringify(told))
    else {
      for (const line of told.arithmetic) call.io.out(line)
      call.io.out('\nA fault that begins at once:')
      for (const one of told.demands) {
        const page =
          one.pageMinutes === null
            ? 'does not page within a day'
            : `pages after ${one.pageMinutes} min, ${one.harmed} harmed`
        const complaint =
          one.complaintMinutes === null
            ? 'no complaint within a day'
            : `first complaint after about ${one.complaintMinutes} min`
        call.io.out(
          `  ${one.demand.padEnd(6)} ${String(one.perMinute).padStart(6)} a minute, ${percentOf(one.failing).padStart(5)} fail: ${page}; ${complaint}`,
        )
      }
    }
    return EXIT.done
  },
}

const replay: Command = {
  name: 'watch replay',
  args: '<file>',
  says: 'When would we have paged? Runs a recorded stream of requests (one JSON line each) through the watch. FILE "-" is standard input.',
  example: 'holdfast watch replay requests.ndjson --service service.yaml',
  exits: { 1: 'no line of the stream could be used' },
  run: async (call) => replayed(call),
}

async function replayed(call: Call): Promise<ExitCode> {
  const { readService } = await import('../../station/station.ts')
  const { watchPlanOf } = await import('../../core/watch/plan.ts')
  const { WatchReplay } = await import('../../core/watch/replay.ts')
  const { linesOf, readLine } = await import('../../core/deploy/stream.ts')
  const { watchedSteps } = await import('../../core/deploy/plan.ts')
  const service = readService(call.service)
  const limits = new Map(watchedSteps(service).map(({ journey, step }) => [`${journey.id}/${step.id}`, step.limitMs]))
  const plan = watchPlanOf(service, Date.now())
  const watch = new WatchReplay(plan, (journey, step) => limits.get(`${journey}/${step}`) ?? Infinity)
  const name = call.args[0]!
  const path = resolve(call.io.cwd, name)
  if (name !== '-' && !existsSync(path)) {
    throw new OpsError('NO_STREAM', {
      message: `There is no file ${name}.`,
      fix: 'holdfast watch replay requests.ndjson, or "-" for standard input',
      exit: EXIT.usage,
    })
  }
  const input = name === '-' ? process.stdin : createReadStream(path, { highWaterMark: 256 * 1024 })
  let requests = 0
  let bad = 0
  let last = 0
  const tell = (events: ReturnType<typeof watch.end>) => {
    for (const event of events) {
      if (call.json) call.io.out(JSON.stringify(event))
      else call.io.out(`${londonOf(event.t)}  ${event.event}  ${event.journey}/${event.step}: ${event.why}`)
    }
  }
  for await (const lines of linesOf(input)) {
    if (call.io.stop.aborted) return EXIT.interrupted
    for (const text of lines) {
      const line = readLine(text, last)
      if (line.kind === 'bad') bad++
      if (line.kind !== 'request') continue
      requests++
      last = Math.max(last, line.request.t)
      tell(watch.add({ ...line.request, t: last }))
    }
  }
  tell(watch.end())
  call.io.progress(`${countOf(requests)} requests read, ${countOf(bad)} lines left out.`)
  if (requests > 0) return EXIT.done
  call.io.progress('Cannot tell: there was no request to judge.')
  return EXIT.no
}

export const watch: readonly Command[] = [status, explainCommand, replay]
