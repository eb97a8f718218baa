import type { Answer } from '../../core/check/rollback-time.ts'
import { EXIT } from '../../core/errors.ts'
import { plural } from '../../core/words.ts'
import type { Command } from '../command.ts'

/** `holdfast check rollback`: how long each way back takes, as a sum with the lines it came from. Reads files only. */
export const checkRollback: Command = {
  name: 'check rollback',
  args: '[paths...]',
  says: 'Estimates how long going back to the old release takes: low, likely, high, and the lines each number came from.',
  example: 'holdfast check rollback deploy/',
  exits: { 1: 'a way back likely takes longer than 15 minutes' },
  async run(call) {
    const { read } = await import('./check.ts')
    const { worldOf } = await import('../../core/check/world.ts')
    const { schemaStep, waysBack } = await import('../../core/check/rollback/ways.ts')
    const { ROLLBACK_PROMISE_S } = await import('../../core/check/rollback-time.ts')
    const world = worldOf(await read(call), Date.now())
    const answers = waysBack(world)
    const schema = schemaStep(world)
    const late = answers.some((answer) => 'way' in answer && answer.way.likely > ROLLBACK_PROMISE_S)
    if (call.json) {
      const ways = answers.flatMap((answer) => ('way' in answer ? [answer.way] : []))
      const unsettled = answers.flatMap((answer) => ('unsettled' in answer ? [answer.unsettled] : []))
      call.io.out(JSON.stringify({ promisedS: ROLLBACK_PROMISE_S, ways, unsettled, schema }, null, 1))
    } else call.io.out([...answers.map(textOf), schema.says, summary(answers)].join('\n\n'))
    return late ? EXIT.no : EXIT.done
  },
}

function textOf(answer: Answer): string {
  if ('unsettled' in answer) {
    const { what, platform, at, says, needs } = answer.unsettled
    return `${what} (${platform})  ${at.file}:${at.line}\n  Cannot tell: ${says}\n  To settle it: ${needs}`
  }
  const { what, platform, how, at, arithmetic } = answer.way
  const sum = arithmetic
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
  return `${what} (${platform})  ${at.file}:${at.line}\n  ${how}\n${sum}`
}

function summary(answers: readonly Answer[]): string {
  if (answers.length === 0) return 'No file here says how a release is taken back.'
  return `${plural(answers.length, 'way', 'ways')} back. Pull and start times are assumed: holdfast rehearse rollback measures them.`
}
