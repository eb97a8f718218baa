/** Routes of Django: path() in the project's urls.py, and what it includes. The view decides the method; GET is what a page answers. */

import { folderOf } from '../../../check/models/path.ts'
import type { TreeFile } from '../../../check/tree.ts'
import type { Code, Range } from './code.ts'
import { type Found, Mounts } from './mounts.ts'
import { Python, type PythonModule } from './python-modules.ts'

const CONDITIONAL = 'it is served under a condition only'
const UNSEEN = 'what include() adds cannot be seen'

export function djangoRoutes(files: readonly TreeFile[]): Found {
  const urls = files.filter(({ text }) => /\burlpatterns\b|\bROOT_URLCONF\b/.test(text))
  const python = new Python(urls)
  const reader = new Reader(python)
  for (const root of rootsOf(python, files)) reader.mounts.root(`${root}#urlpatterns`)
  for (const module of python.modules.values()) reader.read(module)
  const { routes, leftOut } = reader.mounts.result
  return { routes: routes.map((route) => ({ ...route, path: `/${route.path.replace(/^\/+/, '')}` })), leftOut }
}

/** What ROOT_URLCONF names; where nothing does, the urls.py that stands beside the project's settings. */
function rootsOf(python: Python, files: readonly TreeFile[]): readonly string[] {
  const named = [...python.modules.values()].flatMap(({ code }) =>
    code.tokens.flatMap((token, i) => {
      const dotted =
        token.text === 'ROOT_URLCONF' && code.mark(i + 1) === '=' ? code.literal({ from: i + 2, to: i + 3 }) : undefined
      return dotted === undefined ? [] : (python.fileOf(code.file, dotted) ?? [])
    }),
  )
  if (named.length > 0) return named
  const beside = new Set(
    files.filter(({ path }) => /(^|\/)(settings|wsgi|asgi)\.py$/.test(path)).map(({ path }) => folderOf(path)),
  )
  return [...python.modules.keys()].filter((path) => /(^|\/)urls\.py$/.test(path) && beside.has(folderOf(path)))
}

class Reader {
  // Django puts the texts together as they are.
  readonly mounts = new Mounts((...parts) => parts.join(''))
  private readonly python: Python

  constructor(python: Python) {
    this.python = python
  }

  /** Lists of paths that are given a name: `urlpatterns = [...]`, `urlpatterns += [...]`, `api = [...]`. */
  read({ code }: PythonModule): void {
    code.tokens.forEach((token, i) => {
      if (token.text !== '=' || token.kind !== 'mark') return
      const name = code.word(code.mark(i - 1) === '+' ? i - 2 : i - 1)
      if (!name) return
      if (token.indent > 0 && code.mark(i + 1) === '[') return this.conditional(code, i + 1)
      if (code.word(i + 1) === 'i18n_patterns' && code.mark(i + 2) === '(')
        for (const part of code.parts(i + 2)) this.translated(code, part)
      else if (code.mark(i + 1) === '[') this.list(code, i + 1, `${code.file}#${name}`)
    })
  }

  /** `if settings.DEBUG: urlpatterns += [...]`. */
  private conditional(code: Code, open: number): void {
    for (const { from } of code.parts(open))
      if (/^(re_)?path$/.test(code.word(from)))
        this.mounts.leave({ file: code.file, line: code.line(from), why: CONDITIONAL })
  }

  private translated(code: Code, { from }: Range): void {
    if (/^(re_)?path$/.test(code.word(from)))
      this.mounts.leave({ file: code.file, line: code.line(from), why: 'its prefix is the language of the reader' })
  }

  private list(code: Code, open: number, router: string): void {
    for (const { from } of code.parts(open)) {
      const call = code.word(from)
      if (!/^(path|re_path|url)$/.test(call) || code.mark(from + 1) !== '(') continue
      const [first, view] = code.parts(from + 1)
      if (!first || !view) continue
      const place = { file: code.file, line: code.line(from) }
      const path = call === 'path' ? code.literal(first) : undefined
      if (code.word(view.from) === 'include') this.include(code, view.from + 1, router, path)
      // Staff's pages, which Django makes itself.
      else if (code.word(view.from) === 'admin.site.urls') continue
      else if (path === undefined)
        this.mounts.leave({ ...place, why: call === 'path' ? 'its path is computed' : 'its path is a pattern' })
      else this.mounts.route(router, { ...place, method: 'GET', path })
    }
  }

  private include(code: Code, open: number, router: string, path: string | undefined): void {
    const place = { file: code.file, line: code.line(open) }
    const prefix =
      path === undefined ? { why: 'the prefix before what is included is computed or a pattern' } : { path }
    const [given] = code.parts(open)
    const first = given && code.mark(given.from) === '(' ? code.parts(given.from)[0] : given
    if (!first) return
    if (code.mark(first.from) === '[') {
      const inner = `${code.file}@${first.from}`
      this.mounts.mount(router, inner, prefix)
      return this.list(code, first.from, inner)
    }
    const dotted = code.literal(first)
    const name = dotted === undefined && first.to === first.from + 1 ? code.word(first.from) : ''
    const target = name ? this.python.target(code.file, name) : undefined
    const file = dotted === undefined ? target?.file : this.python.fileOf(code.file, dotted)
    if (file === undefined) return this.mounts.leave({ ...place, why: UNSEEN })
    this.mounts.mount(router, `${file}#${target?.name ?? 'urlpatterns'}`, prefix)
  }
}
