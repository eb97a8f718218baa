/** Who a name stands for in Python: functions with their parameters, and what a file imports. */
import { folderOf, join } from '../../../check/models/path.ts'
import type { TreeFile } from '../../../check/tree.ts'
import { Code, type Range } from './code.ts'

export interface Def {
  readonly at: number
  readonly name: string
  readonly params: readonly string[]
  readonly body: Range
}

/** `from base import name`, or the module itself when there is no name. */
interface Import {
  readonly base: string
  readonly name?: string
}

export interface PythonModule {
  readonly code: Code
  readonly defs: readonly Def[]
  readonly imports: ReadonlyMap<string, Import>
}

/** What a dotted name leads to: a file, and the name in it; without a name, the module. */
export interface Target {
  readonly file: string
  readonly name?: string
}

export class Python {
  readonly modules: ReadonlyMap<string, PythonModule>
  private readonly byStem: ReadonlyMap<string, string>

  constructor(files: readonly TreeFile[]) {
    this.modules = new Map(
      files.map((file) => {
        const code = new Code(file, 'python')
        return [file.path, { code, defs: defsOf(code), imports: importsOf(code) }]
      }),
    )
    this.byStem = new Map(files.map(({ path }) => [path.replace(/(\/__init__)?\.py$/, ''), path]))
  }

  /** The file of a module as `from` means it: `.users`, `app.users`. */
  fileOf(from: string, dotted: string): string | undefined {
    const dots = /^\.+/.exec(dotted)?.[0].length ?? 0
    const path = dotted.slice(dots).replace(/\./g, '/')
    if (dots > 0) {
      const stem = join(folderOf(from), `${'../'.repeat(dots - 1)}${path}`)
      return this.byStem.get(stem)
    }
    // From the nearest folder above the file in which the module lies: that is where Python is started, or its source root.
    for (let folder = folderOf(from); ; folder = folderOf(folder)) {
      const found = this.byStem.get(folder === '' ? path : `${folder}/${path}`)
      if (found || folder === '') return found ?? this.byStem.get(`src/${path}`)
    }
  }

  /** Where a dotted name of a file was made. */
  target(file: string, dotted: string, depth = 0): Target | undefined {
    const module = this.modules.get(file)
    const [first = '', ...rest] = dotted.split('.')
    if (!module || depth > 8) return undefined
    const source = module.imports.get(first)
    if (!source) return rest.length === 0 ? { file, name: first } : undefined
    const inner =
      source.name === undefined
        ? undefined
        : this.fileOf(file, `${source.base}${/\.$/.test(source.base) ? '' : '.'}${source.name}`)
    const base = this.fileOf(file, source.base)
    const found = source.name === undefined ? base : inner
    if (found && rest.length === 0) return { file: found }
    if (found && rest.length === 1) return this.target(found, rest[0]!, depth + 1)
    if (found || base === undefined || source.name === undefined) return undefined
    return rest.length === 0 ? this.target(base, source.name, depth + 1) : undefined
  }
}

function defsOf(code: Code): readonly Def[] {
  return code.tokens.flatMap((token, i) => {
    if (token.text !== 'def' || token.kind !== 'word' || code.mark(i + 2) !== '(') return []
    const close = code.end(i + 2)
    let to = close + 1
    while (to < code.tokens.length && (code.token(to).indent > token.indent || code.line(to) === code.line(close))) to++
    const params = code.parts(i + 2).map(({ from }) => code.word(from))
    return [{ at: i, name: code.word(i + 1), params, body: { from: close, to } }]
  })
}

function importsOf(code: Code): ReadonlyMap<string, Import> {
  const imports = new Map<string, Import>()
  code.tokens.forEach((token, i) => {
    if (token.kind !== 'word') return
    if (token.text === 'from') fromImport(code, i, imports)
    else if (token.text === 'import' && code.word(i + 1) && !isFrom(code, i)) {
      const base = code.word(i + 1)
      if (code.word(i + 2) === 'as') imports.set(code.word(i + 3), { base })
    }
  })
  return imports
}

function isFrom(code: Code, i: number): boolean {
  return (
    code.word(i - 2) === 'from' || code.mark(i - 1) === '.' || (code.mark(i - 2) === '.' && code.word(i - 1) !== '')
  )
}

function fromImport(code: Code, i: number, imports: Map<string, Import>): void {
  let at = i + 1
  let base = ''
  for (; code.mark(at) === '.'; at++) base += '.'
  if (code.word(at) && code.word(at) !== 'import') base += code.word(at++)
  if (code.word(at) !== 'import' || base === '') return
  const bracket = code.mark(at + 1) === '('
  const line = code.line(at)
  const end = bracket ? code.end(at + 1) : code.tokens.length
  for (let part = bracket ? at + 2 : at + 1; part < end && (bracket || code.line(part) === line); part++) {
    const name = code.word(part)
    if (!name) continue
    const renamed = code.word(part + 1) === 'as'
    imports.set(renamed ? code.word(part + 2) : name, { base, name })
    if (renamed) part += 2
  }
}
