import type { Conversion } from '../../core/check/kiro/dialect.ts'
import { diffOf } from '../../core/check/kiro/diff.ts'
import { EXIT, OpsError } from '../../core/errors.ts'
import { listOf, plural } from '../../core/words.ts'
import type { Command } from '../command.ts'

/** `holdfast check kiro`: turns hooks that Kiro drops into ones that load. Shows what it would do; writes only with --fix. */
export const checkKiro: Command = {
  name: 'check kiro',
  args: '[dir]',
  says: 'Shows how each hook that Kiro does not load would be written so that it does; --fix writes it.',
  example: 'holdfast check kiro . --fix',
  options: [{ flags: '--fix', says: 'write the files; refuses where git does not hold the present content' }],
  exits: { 1: 'hooks want converting, or could not be written' },
  async run(call) {
    const { resolve } = await import('node:path')
    const root = resolve(call.io.cwd, call.args[0] ?? '.')
    const before = await conversionsIn(root)
    const work = before.filter(
      ({ conversion }) => Object.keys(conversion.writes).length > 0 || conversion.notes.length > 0,
    )
    const report = work.map((one) => ({ ...one.conversion, diff: diffs(one) }))
    const result = call.options.fix === true ? await write(root, work) : { written: [], refused: [], backups: [] }
    if (call.json) call.io.out(JSON.stringify({ root, conversions: report, ...result }, null, 1))
    else call.io.out(textOf(report, result, call.options.fix === true))
    const open = work.filter(({ conversion }) => Object.keys(conversion.writes).length > 0)
    return open.length === 0 || (call.options.fix === true && result.refused.length === 0) ? EXIT.done : EXIT.no
  },
}

interface Work {
  readonly conversion: Conversion
  readonly text: string
  /** Texts of the files that would be written over, by path. */
  readonly present: ReadonlyMap<string, string>
}

interface Result {
  readonly written: readonly string[]
  readonly refused: readonly string[]
  readonly backups: readonly string[]
}

async function conversionsIn(root: string): Promise<readonly Work[]> {
  const { readTree } = await import('../../adapters/tree/read.ts')
  const { convert } = await import('../../core/check/kiro/dialect.ts')
  const { linesOf } = await import('../../core/check/formats/position.ts')
  try {
    const tree = readTree([root], root, (path) => /(^|\/)\.kiro\/|\.kiro\.hook$/.test(path))
    const present = new Map(tree.files.map((file) => [file.path, file.text]))
    return tree.files.flatMap((file) => {
      const conversion = convert({ file: file.path, text: file.text, lines: linesOf(file.text) })
      return conversion ? [{ conversion, text: file.text, present }] : []
    })
  } catch (thrown) {
    throw new OpsError('CHECK_PATH', {
      message: `There is nothing to read at ${root}.`,
      fix: 'holdfast check kiro .',
      exit: EXIT.usage,
      cause: thrown,
    })
  }
}

function diffs({
  conversion,
  text,
  present,
}: Work): readonly { readonly file: string; readonly before: string; readonly after: string }[] {
  return Object.entries(conversion.writes).map(([file, after]) => ({
    file,
    before: present.get(file) ?? (conversion.removes ? text : ''),
    after,
  }))
}

/** Each file whole or not at all. A file that git does not hold as it is, is not touched; without git a copy is kept. */
async function write(root: string, work: readonly Work[]): Promise<Result> {
  const { dirname, join } = await import('node:path')
  const { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } = await import('node:fs')
  const { unsavedIn } = await import('../../adapters/tree/unsaved.ts')
  const touched = work.flatMap(({ conversion }) => [conversion.file, ...Object.keys(conversion.writes)])
  const unsaved = unsavedIn(
    root,
    touched.filter((file) => existsSync(join(root, file))),
  )
  const written: string[] = []
  const refused: string[] = []
  const backups: string[] = []
  const taken = new Set<string>()
  for (const { conversion } of work) {
    const targets = Object.keys(conversion.writes)
    if (targets.length === 0) continue
    const over = targets.filter((file) => file !== conversion.file && (existsSync(join(root, file)) || taken.has(file)))
    if (over.length > 0 || unsaved?.has(conversion.file)) {
      refused.push(
        over.length > 0
          ? `${conversion.file}: ${listOf(over)} is there already`
          : `${conversion.file}: git does not hold its present content; commit it first`,
      )
      continue
    }
    if (unsaved === undefined) {
      const copy = `${conversion.file}.before-holdfast`
      copyFileSync(join(root, conversion.file), join(root, copy))
      backups.push(copy)
    }
    for (const [file, text] of Object.entries(conversion.writes)) {
      const place = join(root, file)
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(`${place}.${process.pid}`, text)
      renameSync(`${place}.${process.pid}`, place)
      taken.add(file)
      written.push(file)
    }
    if (conversion.removes) rmSync(join(root, conversion.file))
  }
  return { written, refused, backups }
}

interface Shown extends Conversion {
  readonly diff: readonly { readonly file: string; readonly before: string; readonly after: string }[]
}

function textOf(report: readonly Shown[], result: Result, fix: boolean): string {
  if (report.length === 0) return 'Every hook here is in the form that Kiro loads.'
  const blocks = report.map((one) => {
    const goes = one.removes ? `, and ${one.file} goes` : ''
    const files = Object.keys(one.writes)
    const head = `${one.file}  (dialect ${one.dialects.join(', ')})${files.length > 0 ? ` becomes ${listOf(files)}${goes}` : ''}`
    const lines = one.diff.flatMap(({ before, after }) => diffOf(before, after).map((line) => `  ${line}`))
    return [head, ...one.notes.map((note) => `  Note: ${note}`), ...lines].join('\n')
  })
  const end = fix
    ? [
        `${plural(result.written.length, 'file')} written${result.backups.length > 0 ? `; the old ones are kept as ${listOf(result.backups)}` : ''}.`,
        ...result.refused.map((why) => `Not written: ${why}.`),
      ].join('\n')
    : 'Nothing was written. holdfast check kiro --fix writes it.'
  return [...blocks, end].join('\n\n')
}
