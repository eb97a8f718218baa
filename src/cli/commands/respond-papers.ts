/** Papers around an incident: its review, drafted from the log, and the page for a service that is closed. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { EXIT, OpsError } from '../../core/errors.ts'
import type { IncidentState } from '../../core/respond/state.ts'
import { isoOf } from '../../core/time.ts'
import { plural } from '../../core/words.ts'
import type { Store } from '../../ports/store.ts'
import type { Command } from '../command.ts'
import { find, text, withStore } from './respond.ts'

const review: Command = {
  name: 'respond review',
  args: '[id]',
  says: 'Drafts the review of an incident from its log: times, pages, decisions, steps, words; and asks for what only people know.',
  example: 'holdfast respond review inc-dep-r3-1a2b3c4d --out review.md',
  options: [{ flags: '--out <file>', says: 'write the draft into this file, which must not be there yet' }],
  exits: { 1: 'there is no such incident', 3: 'the store cannot be reached' },
  async run(call) {
    const [{ reviewOf }, { readService }] = await Promise.all([
      import('../../core/respond/review.ts'),
      import('../../station/station.ts'),
    ])
    const service = readService(call.service)
    return withStore(call, async (store) => {
      const state = await newest(store, service.service.id, call.args[0])
      const { text, gaps } = reviewOf(service, state)
      const out = typeof call.options.out === 'string' ? resolve(call.io.cwd, call.options.out) : null
      if (out) await writeNew(out, `${text}\n`)
      if (call.json) call.io.out(JSON.stringify({ incident: state.id, gaps, text, file: out }))
      else
        call.io.out(
          out ? `${out}: the draft, with ${plural(gaps.length, 'question')} to ask first. People finish it.` : text,
        )
      return EXIT.done
    })
  },
}

const page: Command = {
  name: 'respond page',
  says: 'The page for a service that is closed on purpose, with the day and time it is back: one file for the balancer to serve with status 503.',
  example: 'holdfast respond page --back 2026-12-01T09:00Z --out unavailable.html',
  options: [
    { flags: '--back <moment>', says: 'when the service is open again, as 2026-12-01T09:00Z (default: not known)' },
    { flags: '--out <file>', says: 'write the page into this file (default: print it)' },
  ],
  async run(call) {
    const [{ openingOf, unavailablePage }, { readService }] = await Promise.all([
      import('../../core/kit/unavailable.ts'),
      import('../../station/station.ts'),
    ])
    const service = readService(call.service)
    const back = call.options.back === undefined ? undefined : Date.parse(text(call, 'back'))
    if (back !== undefined && !(back > Date.now())) {
      throw new OpsError('OPTION_WRONG', {
        message: `"${text(call, 'back').slice(0, 40)}" is no moment to come.`,
        fix: 'holdfast respond page --back 2026-12-01T09:00Z',
        exit: EXIT.usage,
      })
    }
    const html = unavailablePage(service, back)
    const out = typeof call.options.out === 'string' ? resolve(call.io.cwd, call.options.out) : null
    if (out) await writeFile(out, `${html}\n`)
    const opens = back === undefined ? null : openingOf(back, service.service.timezone)
    if (call.json)
      call.io.out(JSON.stringify({ back: back === undefined ? null : isoOf(back), opens, file: out, html }))
    else
      call.io.out(
        out ? `${out}: ${opens ? `open again from ${opens}` : 'open again later'}. Serve it with status 503.` : html,
      )
    return EXIT.done
  },
}

export const respondPapers: readonly Command[] = [review, page]

/** A review comes after the end: the newest incident of the service, open or closed. */
async function newest(store: Store, service: string, id: string | undefined): Promise<IncidentState> {
  if (id !== undefined) return find(store, id)
  const [row] = await store.list({ kind: 'incident', service, limit: 1 })
  if (row) return row.state as unknown as IncidentState
  throw new OpsError('NO_SUCH_INCIDENT', {
    message: 'There has been no incident of this service.',
    fix: 'holdfast respond list --all',
  })
}

/** A review that people have written on is never written over. */
async function writeNew(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: 'wx' }).catch((thrown: unknown) => {
    const isThere = (thrown as { code?: string }).code === 'EEXIST'
    throw new OpsError('REVIEW_FILE', {
      message: isThere ? `${file} is there already, and people may have written on it.` : `${file} cannot be written.`,
      fix: 'holdfast respond review --out another-file.md',
      exit: EXIT.usage,
      cause: thrown,
    })
  })
}
