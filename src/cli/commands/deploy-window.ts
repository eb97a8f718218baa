import { relative } from 'node:path'
import { EXIT, OpsError } from '../../core/errors.ts'
import { MINUTE } from '../../core/time.ts'
import type { Call, Command } from '../command.ts'
import { readDefinition, textOf } from './define.ts'

/** The window alone, from the definition: for pipelines whose platform moves releases by itself. */
export const deployWindow: Command = {
  name: 'deploy window',
  says: 'Is the deployment window open, and if not, when is the next one? From the calendar of the definition alone, in London time.',
  example: 'holdfast deploy window --at 2026-12-01T10:00:00Z --minutes 30',
  options: [
    { flags: '--at <moment>', says: 'the moment to ask about, ISO 8601 with zone (default: now)' },
    { flags: '--minutes <n>', says: 'how long the release needs, 0 to 1,440', default: '0' },
  ],
  exits: { 1: 'the window is closed, or nobody can tell' },
  async run(call) {
    const { loadService } = await import('../../core/define/load.ts')
    const { windowAnswer } = await import('../../core/define/window.ts')
    const shown = relative(call.io.cwd, call.service) || call.service
    const { service, findings } = loadService(readDefinition(call.service, shown), shown)
    if (!service) {
      for (const finding of findings) call.io.progress(textOf(finding))
      throw new OpsError('DEFINITION_WRONG', {
        message: `${shown} has errors, and its calendar cannot be trusted.`,
        fix: 'holdfast define',
        exit: EXIT.usage,
      })
    }
    const { lines, ...answer } = windowAnswer(service, momentOf(call), minutesOf(call) * MINUTE)
    const unsure = answer.verdict === 'cannot-tell' ? `Cannot tell: it needs ${answer.needs}.` : undefined
    call.io.out(call.json ? JSON.stringify(answer) : [...(unsure ? [unsure] : [answer.says]), ...lines].join('\n'))
    return answer.verdict === 'yes' ? EXIT.done : EXIT.no
  },
}

function momentOf({ options }: Call): number {
  if (options.at === undefined) return Date.now()
  const moment = /T.*(Z|[+-]\d\d:?\d\d)$/.test(String(options.at)) ? Date.parse(String(options.at)) : Number.NaN
  if (Number.isFinite(moment)) return moment
  throw new OpsError('NOT_A_MOMENT', {
    message: `"${String(options.at).slice(0, 60)}" is no moment with a zone.`,
    fix: '--at 2026-12-01T10:00:00Z',
    exit: EXIT.usage,
  })
}

function minutesOf({ options }: Call): number {
  const minutes = Number(options.minutes)
  if (minutes >= 0 && minutes <= 1_440) return minutes
  throw new OpsError('NOT_MINUTES', {
    message: `--minutes takes 0 to 1,440, not "${String(options.minutes).slice(0, 20)}".`,
    fix: '--minutes 30',
    exit: EXIT.usage,
  })
}
