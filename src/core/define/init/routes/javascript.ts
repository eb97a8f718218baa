/** Who a name stands for in JavaScript and TypeScript: functions and their parameters, what a file imports, what it exports. */

import { folderOf, join } from '../../../check/models/path.ts'
import type { TreeFile } from '../../../check/tree.ts'
import { Code, type Range } from './code.ts'

export interface Func {
  /** First token of the parameters; it tells functions of a file apart. */
  readonly start: number
  readonly params: readonly string[]
  readonly name?: string
  /** The body with its braces. */
  readonly body: Range
}

/** A name of a file as another file means it: `*` is all of its exports. */
interface Import {
  readonly file: string
  readonly name: string
}

/** What an export is: a name of its file, a function, or a name of another file. */
type Export = { readonly local: string } | { readonly func: Func } | { readonly from: Import }

export interface Module {
  readonly code: Code
  readonly funcs: readonly Func[]
  readonly imports: ReadonlyMap<string, Import>
  /** Names that come from packages; `file` is then the package. */
  readonly packages: ReadonlyMap<string, Import>
  readonly exports: ReadonlyMap<string, Export>
}

const NOT_CALLED = new Set(['if', 'for', 'while', 'switch', 'catch', 'function', 'return', 'await'])

/** Modules by path. Pure; names are resolved among `files` only. */
export function modulesOf(files: readonly TreeFile[]): ReadonlyMap<string, Module> {
  const paths = new Set(files.map((file) => file.path))
  return new Map(
    files.map((file) => {
      const code = new Code(file, 'javascript')
      const funcs = functionsOf(code)
      const find = (spec: string) => fileOf(paths, file.path, spec)
      return [file.path, { code, funcs, ...importsOf(code, find), exports: exportsOf(code, funcs, find) }]
    }),
  )
}

/** The file that `./x` means in another file. */
export function fileOf(paths: { has(path: string): boolean }, from: string, spec: string): string | undefined {
  if (!/^\.\.?(\/|$)/.test(spec)) return undefined
  const path = join(folderOf(from), spec)
  const stem = path.replace(/\.[cm]?js$/, '')
  const names = [
    path,
    ...[stem, path].flatMap((name) => ['.ts', '.js', '.mjs', '.cjs', '.mts', '.tsx'].map((end) => name + end)),
  ]
  const within = ['ts', 'js', 'mjs', 'cjs'].map((end) => `${path === '' ? '' : `${path}/`}index.${end}`)
  return [...names, ...within].find((name) => paths.has(name))
}

function functionsOf(code: Code): readonly Func[] {
  const found: Func[] = []
  code.tokens.forEach((token, i) => {
    if (found.length >= 5_000) return
    if (token.text === '(' && token.kind === 'mark') {
      const close = code.end(i)
      const body = bodyAfter(code, i, close)
      if (body === undefined) return
      const params = code.parts(i).map(({ from }) => code.word(from))
      const name = nameBefore(code, i)
      found.push({ start: i, params, body: { from: body, to: code.end(body) }, ...(name ? { name } : {}) })
    } else if (token.kind === 'word' && code.token(i + 1).text === '=>' && code.mark(i + 2) === '{') {
      const name = nameBefore(code, i)
      found.push({
        start: i,
        params: [token.text],
        body: { from: i + 2, to: code.end(i + 2) },
        ...(name ? { name } : {}),
      })
    }
  })
  return found
}

/** The brace that opens the body of a function whose parameters end at `close`; undefined when it is no function. */
function bodyAfter(code: Code, open: number, close: number): number | undefined {
  const before = code.word(open - 1)
  const arrow = (at: number) => (code.token(at).text === '=>' && code.mark(at + 1) === '{' ? at + 1 : undefined)
  if (code.token(close + 1).text === '=>') return arrow(close + 1)
  const declared = before === 'function' || code.word(open - 2) === 'function' || code.mark(open - 1) === '*'
  if (code.mark(close + 1) === '{')
    return declared || (before !== '' && !NOT_CALLED.has(before)) ? close + 1 : undefined
  if (code.mark(close + 1) !== ':') return undefined
  // A type stands between the parameters and the body.
  for (let i = close + 2; i < close + 20 && i < code.tokens.length; i++) {
    if (code.mark(i) === ';' || code.mark(i) === ')' || code.mark(i) === '=') return undefined
    if (code.token(i).text === '=>') return arrow(i)
    if (code.mark(i) === '{') return declared ? i : undefined
  }
  return undefined
}

function nameBefore(code: Code, open: number): string | undefined {
  let i = open - 1
  if (code.word(i) && code.word(i - 1) === 'function') return code.word(i)
  if (code.word(i) === 'function') i--
  if (code.word(i) === 'async') i--
  if (code.mark(i) !== '=') return code.word(open - 1) || undefined
  if (!code.mark(i - 1) && !/^(const|let|var)$/.test(code.word(i - 2)) && /^(module\.|exports)/.test(code.word(i - 1)))
    return undefined
  for (let back = i - 1; back > i - 14 && back >= 0; back--)
    if (/^(const|let|var)$/.test(code.word(back - 1))) return code.word(back) || undefined
  return undefined
}

type Find = (spec: string) => string | undefined

type Put = (local: string, spec: string | undefined, name: string) => void

function importsOf(code: Code, find: Find): Pick<Module, 'imports' | 'packages'> {
  const imports = new Map<string, Import>()
  const packages = new Map<string, Import>()
  const put: Put = (local, spec, name) => {
    const file = spec === undefined ? undefined : find(spec)
    if (local && file !== undefined) imports.set(local, { file, name })
    else if (local && spec !== undefined) packages.set(local, { file: spec, name })
  }
  code.tokens.forEach((token, i) => {
    if (token.kind !== 'word') return
    if (token.text === 'import' && code.mark(i + 1) !== '(') importStatement(code, i, put)
    if (!/^(const|let|var)$/.test(token.text)) return
    const braced = code.mark(i + 1) === '{'
    const sign = braced ? code.end(i + 1) + 1 : i + 2
    const source = code.mark(sign) === '=' ? required(code, sign + 1) : undefined
    if (!source) return
    // What is called or made of it at once is no longer it.
    if (code.mark(source.end) === '(') return
    if (braced) for (const [name, local] of namesIn(code, i + 1, ':')) put(local, source.spec, name)
    else put(code.word(i + 1), source.spec, source.member ?? 'default')
  })
  return { imports, packages }
}

/** `require('./x')` or `require('./x').member`. */
export function required(
  code: Code,
  i: number,
): { readonly spec: string; readonly member?: string; readonly end: number } | undefined {
  if (code.word(i) !== 'require' || code.mark(i + 1) !== '(') return undefined
  const spec = code.literal({ from: i + 2, to: code.end(i + 1) })
  const close = code.end(i + 1)
  if (spec === undefined) return undefined
  if (code.mark(close + 1) !== '.') return { spec, end: close + 1 }
  return { spec, member: code.word(close + 2), end: close + 3 }
}

function importStatement(code: Code, i: number, put: Put): void {
  let end = i + 1
  while (end < i + 200 && end < code.tokens.length && code.word(end) !== 'from' && code.token(end).kind !== 'string')
    end++
  const source = code.token(code.word(end) === 'from' ? end + 1 : end)
  const file = source.kind === 'string' ? source.text : undefined
  for (let at = i + 1; at < end; at++) {
    if (code.mark(at) === '{') {
      for (const [name, local] of namesIn(code, at, 'as')) put(local, file, name)
      at = code.end(at)
    } else if (code.mark(at) === '*') {
      put(code.word(at + 2), file, '*')
      at += 2
    } else if (code.word(at) !== 'type') put(code.word(at), file, 'default')
  }
}

/** Names in braces: `{ a, b as c }` or `{ a, b: c }`, each with the name it gets. */
function namesIn(code: Code, open: number, sign: 'as' | ':'): readonly (readonly [string, string])[] {
  return code.parts(open).map(({ from }) => {
    const renamed = sign === 'as' ? code.word(from + 1) === 'as' : code.mark(from + 1) === ':'
    return [code.word(from), renamed ? code.word(from + 2) : code.word(from)] as const
  })
}

function exportsOf(code: Code, funcs: readonly Func[], find: Find): ReadonlyMap<string, Export> {
  const exports = new Map<string, Export>()
  const valueAt = (i: number): Export | undefined => {
    const source = required(code, i)
    const file = source && find(source.spec)
    if (source) return file === undefined ? undefined : { from: { file, name: source.member ?? 'default' } }
    const func = funcs.find(({ start }) => start >= i && start <= i + 3 && isFunctionHead(code, i, start))
    if (func) return { func }
    return code.word(i) ? { local: code.word(i) } : undefined
  }
  const put = (name: string, value: Export | undefined) => {
    if (value && name) exports.set(name, value)
  }
  code.tokens.forEach((token, i) => {
    if (token.kind !== 'word') return
    const assigned = code.mark(i + 1) === '='
    const member = /^(?:module\.)?exports\.([\w$]+)$/.exec(token.text)?.[1]
    if (member && assigned) put(member, valueAt(i + 2))
    else if (token.text === 'module.exports' && assigned) {
      if (code.mark(i + 2) === '{') objectExports(code, i + 2, valueAt, put)
      else put('default', valueAt(i + 2))
    } else if (token.text === 'export') exportStatement(code, i, funcs, find, valueAt, put)
  })
  return exports
}

function isFunctionHead(code: Code, i: number, start: number): boolean {
  for (let at = i; at < start; at++) if (!/^(async|function)$/.test(code.word(at)) && at !== start - 1) return false
  return start === i || /^(async|function)$/.test(code.word(i))
}

function objectExports(
  code: Code,
  open: number,
  valueAt: (i: number) => Export | undefined,
  put: (name: string, value: Export | undefined) => void,
): void {
  for (const { from } of code.parts(open))
    put(code.word(from), code.mark(from + 1) === ':' ? valueAt(from + 2) : { local: code.word(from) })
}

function exportStatement(
  code: Code,
  i: number,
  funcs: readonly Func[],
  find: Find,
  valueAt: (i: number) => Export | undefined,
  put: (name: string, value: Export | undefined) => void,
): void {
  const next = code.word(i + 1)
  if (code.mark(i + 1) === '=') put('default', valueAt(i + 2))
  else if (next === 'default') {
    if (code.mark(i + 2) === '{') objectExports(code, i + 2, valueAt, put)
    else put('default', valueAt(i + 2))
  } else if (/^(const|let|var)$/.test(next)) put(code.word(i + 2), { local: code.word(i + 2) })
  else if (next === 'function' || next === 'async') {
    const func = funcs.find(({ start }) => start > i && start <= i + 5)
    if (func?.name) put(func.name, { func })
  } else if (code.mark(i + 1) === '{') {
    const close = code.end(i + 1)
    const source = code.word(close + 1) === 'from' ? code.literal({ from: close + 2, to: close + 3 }) : undefined
    const file = source === undefined ? undefined : find(source)
    for (const [name, as] of namesIn(code, i + 1, 'as')) {
      if (code.word(close + 1) !== 'from') put(as, { local: name })
      else if (file !== undefined) put(as, { from: { file, name } })
    }
  }
}
