import { readFileSync, statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { EXIT, type Finding, OpsError } from '../../core/errors.ts'
import { plural } from '../../core/words.ts'
import type { Command } from '../command.ts'

/** Bytes read of a definition at most; a little above what the reader accepts, so that it can say so itself. */
const BYTES_MAX = 2 * 1024 * 1024

export const define: Command = {
  name: 'define',
  args: '[file]',
  says: 'Is the definition right? Every finding at once, with its place, its harm and its fix.',
  example: 'holdfast define service.yaml',
  options: [{ flags: '--print', says: 'print the whole definition with its defaults filled in' }],
  exits: { 2: 'the definition has errors' },
  async run(call) {
    const { loadService } = await import('../../core/define/load.ts')
    const file = call.args[0] ? resolve(call.io.cwd, call.args[0]) : call.service
    const shown = relative(call.io.cwd, file) || file
    const { service, findings } = loadService(readDefinition(file, shown), shown)
    const errors = findings.filter((finding) => finding.severity === 'error').length
    if (call.json)
      call.io.out(
        JSON.stringify(
          {
            file: shown,
            valid: service !== undefined,
            findings,
            ...(call.options.print && service ? { service } : {}),
          },
          null,
          1,
        ),
      )
    else {
      for (const finding of findings) call.io.out(textOf(finding))
      if (service && call.options.print) call.io.out(JSON.stringify(service, null, 2))
      const remarks = findings.length - errors
      const also = remarks > 0 ? `, ${plural(remarks, 'remark')}` : ''
      if (service)
        call.io.out(
          `${shown} describes "${service.service.name}": ${plural(service.journeys.length, 'journey')}, ${plural(service.failureModes.length, 'failure mode')}${also}. It is right.`,
        )
      else call.io.out(`${shown} has ${plural(errors, 'error')}${also}.`)
    }
    return service ? EXIT.done : EXIT.usage
  },
}

/** The text of a definition, or an OpsError that says what to do. */
export function readDefinition(file: string, shown = file): string {
  try {
    if (statSync(file).size > BYTES_MAX)
      throw new OpsError('DEFINITION_TOO_LARGE', {
        message: `${shown} is larger than 2 MiB.`,
        fix: 'name the definition: holdfast define service.yaml',
        exit: EXIT.usage,
      })
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    if (thrown instanceof OpsError) throw thrown
    throw new OpsError('NO_DEFINITION', {
      message: `There is no definition at ${shown}.`,
      fix: 'holdfast init, or name it with --service FILE',
      exit: EXIT.usage,
      cause: thrown,
    })
  }
}

/** One finding as people read it. */
export function textOf(finding: Finding): string {
  const lines = [
    `${finding.file}:${finding.line}:${finding.col}  ${finding.severity === 'error' ? '' : `${finding.severity}: `}${finding.says}`,
    `    For citizens: ${finding.harm}`,
    ...(finding.arithmetic ? [`    Arithmetic: ${finding.arithmetic}`] : []),
    `    Fix: ${finding.fix}  [${finding.rule}]`,
  ]
  return `${lines.join('\n')}\n`
}
