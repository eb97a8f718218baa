import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { EXIT, OpsError } from '../../core/errors.ts'
import type { Part } from '../../core/kit/file.ts'
import { plural } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'
import { readDefinition, textOf } from './define.ts'

export const kit: Command = {
  name: 'kit',
  says: 'Makes the service’s own kit: Kiro and agent files, runbooks, alerts with tests, dashboards, messages, papers and the pipeline.',
  example: 'holdfast kit --out . --only runbooks,alerts',
  options: [
    { flags: '--out <dir>', says: 'the folder to write into; "." is the repository itself' },
    {
      flags: '--only <parts>',
      says: 'kiro, agents, runbooks, alerts, dashboards, comms, docs, pipelines, infrastructure; separated by commas',
    },
    { flags: '--legacy', says: 'also the hook format of Kiro 0.x' },
    { flags: '--check', says: 'write nothing; exit 1 when a file would change' },
  ],
  exits: { 1: '--check: the kit is not what the definition says' },
  async run(call) {
    const [
      { loadService },
      { MANIFEST, makeKit, manifestOf, readManifest, sourceOf },
      { digestOf, merge },
      { mayDecide },
      { readTree },
    ] = await Promise.all([
      import('../../core/define/load.ts'),
      import('../../core/kit/kit.ts'),
      import('../../core/kit/file.ts'),
      import('../../core/kit/deciding.ts'),
      import('../../adapters/tree/read.ts'),
    ])
    const out = outOf(call)
    const shown = relative(call.io.cwd, call.service) || call.service
    const { service, findings, placeOf } = loadService(readDefinition(call.service, shown), shown)
    if (!service) {
      for (const finding of findings) call.io.progress(textOf(finding))
      throw new OpsError('DEFINITION_WRONG', {
        message: `${shown} has errors, and a kit made from it would mislead.`,
        fix: 'holdfast define',
        exit: EXIT.usage,
      })
    }
    const tree = readTree([dirname(call.service)], call.io.cwd, mayDecide)
    const only = await partsOf(call)
    const files = makeKit(sourceOf(service, tree.files), {
      legacy: call.options.legacy === true,
      ...(only ? { only } : {}),
    })
    const before = readManifest(textAt(join(out, MANIFEST)))
    const noted = new Map(before?.files.map((file) => [file.path, file]))
    const done: Done = { new: [], again: [], same: [], updated: [], kept: [], removed: [], added: [], left: [] }
    const write = (path: string, text: string) => {
      if (call.options.check) return
      const file = join(out, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    for (const file of files) {
      const merged = merge(textAt(join(out, file.path)), file, noted.get(file.path))
      done[merged.how === 'new' && noted.has(file.path) ? 'again' : merged.how].push(file.path)
      done.added.push(...merged.added.map((passage) => ({ path: file.path, passage })))
      done.left.push(...merged.left.map((passage) => ({ path: file.path, passage })))
      if (merged.how === 'new' || merged.how === 'updated') write(file.path, merged.text)
    }
    const made = new Set(files.map((file) => file.path))
    const others = (before?.files ?? []).filter((file) => only && !only.includes(file.part))
    for (const file of before?.files ?? []) {
      if (made.has(file.path) || others.includes(file)) continue
      const text = textAt(join(out, file.path))
      if (text === undefined) continue
      // What we made and nobody changed goes; what somebody changed is theirs.
      if (digestOf(text) !== file.digest) done.kept.push(file.path)
      else {
        done.removed.push(file.path)
        if (!call.options.check) rmSync(join(out, file.path))
      }
    }
    const manifest = manifestOf(service, basename(call.service), files, placeOf)
    const whole = { ...manifest, files: [...manifest.files, ...others].toSorted((a, b) => (a.path < b.path ? -1 : 1)) }
    write(MANIFEST, `${JSON.stringify(whole, null, 1)}\n`)
    report(call, out, done)
    const changes = [done.new, done.again, done.updated, done.removed].flat()
    return call.options.check && changes.length > 0 ? EXIT.no : EXIT.done
  },
}

/** Paths by what became of them. */
type How = 'new' | 'again' | 'same' | 'updated' | 'kept' | 'removed'
interface Passage {
  readonly path: string
  readonly passage: string
}
type Done = Record<How, string[]> & Record<'added' | 'left', Passage[]>

function report(call: Call, out: string, done: Done): void {
  if (call.json) {
    call.io.out(JSON.stringify({ out, ...done }, null, 1))
    return
  }
  const where = relative(call.io.cwd, out) || '.'
  const verb = call.options.check ? 'would be ' : ''
  for (const path of done.new) call.io.out(`  ${verb}new      ${path}`)
  for (const path of done.again) call.io.out(`  ${verb}back     ${path}: the kit had made it, and it was gone`)
  for (const path of done.updated) call.io.out(`  ${verb}updated  ${path}`)
  for (const { path, passage } of done.added) call.io.out(`  ${verb}added    ${path}: the passage "${passage}" is new`)
  for (const path of done.removed) call.io.out(`  ${verb}removed  ${path}`)
  for (const { path, passage } of done.left)
    call.io.out(
      `  left out ${path}: somebody took out the passage "${passage}"; to have it back, write its marks holdfast:begin ${passage} and holdfast:end ${passage}, as the other marks of the file are written`,
    )
  for (const path of done.kept)
    call.io.out(`  yours    ${path}: somebody has changed it, so it stays as it is, and is not what the kit makes now`)
  const made = done.new.length + done.again.length
  call.io.out(
    `${plural(made + done.same.length + done.updated.length + done.removed.length + done.kept.length, 'file')} in ${where}: ${made} new, ${done.updated.length} updated, ${done.same.length} as they were, ${done.removed.length} removed, ${done.kept.length} kept as people left them.`,
  )
}

function outOf(call: Call): string {
  if (typeof call.options.out !== 'string')
    throw new OpsError('KIT_WITHOUT_OUT', {
      message: 'It is not said where the kit goes.',
      fix: 'holdfast kit --out .',
      exit: EXIT.usage,
    })
  return resolve(call.io.cwd, call.options.out)
}

async function partsOf(call: Call): Promise<readonly Part[] | undefined> {
  if (typeof call.options.only !== 'string') return undefined
  const { PARTS } = await import('../../core/kit/file.ts')
  const { nearest } = await import('../../core/words.ts')
  return call.options.only.split(',').map((word) => {
    const part = PARTS.find((known) => known === word.trim())
    if (part) return part
    const near = nearest(word.trim(), PARTS)
    throw new OpsError('KIT_UNKNOWN_PART', {
      message: `The kit has no part "${word.trim()}".`,
      fix: near ? `--only ${near}` : `--only ${PARTS.join(',')}`,
      exit: EXIT.usage,
    })
  })
}

function textAt(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    if ((thrown as { code?: string }).code === 'ENOENT') return undefined
    throw new OpsError('KIT_CANNOT_READ', {
      message: `${file} cannot be read.`,
      fix: 'look at its permissions, or write the kit into another folder',
      exit: EXIT.usage,
      cause: thrown,
    })
  }
}
