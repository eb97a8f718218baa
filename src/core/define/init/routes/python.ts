/** Routes of Flask, Quart and FastAPI: decorators with literal paths, under the prefixes of their blueprints and routers. */
import type { TreeFile } from '../../../check/tree.ts'
import type { Range } from './code.ts'
import { type Found, Mounts, type Prefix } from './mounts.ts'
import { Python, type PythonModule } from './python-modules.ts'

const APPS = /(^|\.)(Flask|Quart|FastAPI)$/
const ROUTERS = /(^|\.)(APIRouter|Blueprint)$/
const VERB = /^(get|post|put|patch|delete)$/
/** Names that people give to routers: a route on one that nothing explains is worth a word. */
const USUAL = /^(app|router|api|bp|blueprint|ns|\w+_(bp|router|blueprint|api))$/
const PREFIX_COMPUTED = 'the prefix of its router is computed'
const NO_PREFIX: Prefix = { path: '' }

export function pythonRoutes(files: readonly TreeFile[]): Found {
  const reader = new Reader(files)
  reader.makings()
  for (const module of reader.python.modules.values()) reader.read(module)
  return reader.mounts.result
}

/** As Flask and FastAPI do it: one slash between prefix and path, and that at the end stays. */
function concatenated(...parts: readonly string[]): string {
  return parts.reduce((before, part) =>
    part === '' ? before : before === '' ? part : `${before.replace(/\/+$/, '')}/${part.replace(/^\/+/, '')}`,
  )
}

class Reader {
  readonly mounts = new Mounts(concatenated)
  readonly python: Python
  private readonly made = new Set<string>()
  /** A blueprint's own prefix counts only where it is registered without one. */
  private readonly blueprints = new Map<string, Prefix>()

  constructor(files: readonly TreeFile[]) {
    this.python = new Python(files)
  }

  makings(): void {
    for (const module of this.python.modules.values()) {
      const { code } = module
      code.tokens.forEach((token, i) => {
        const what = code.word(i + 1)
        if (token.text !== '=' || token.kind !== 'mark' || code.mark(i + 2) !== '(') return
        if (!APPS.test(what) && !ROUTERS.test(what)) return
        // `router: APIRouter = APIRouter()`
        const typed = code.mark(i - 2) === ':' && code.line(i - 2) === code.line(i)
        const name = typed ? code.word(i - 3) : code.word(i - 1)
        if (!name) return
        const id = `${code.file}#${name}`
        if (APPS.test(what)) this.mounts.root(id)
        const given = code.named(i + 2, /Blueprint$/.test(what) ? 'url_prefix' : 'prefix')
        const prefix = this.made.has(id)
          ? { why: 'its router is made in several places' }
          : given
            ? this.prefix(module, given)
            : NO_PREFIX
        if (/Blueprint$/.test(what)) this.blueprints.set(id, prefix)
        else if (ROUTERS.test(what)) this.mounts.own(id, prefix)
        this.made.add(id)
      })
    }
  }

  /** The router that a name stands for at a place: a parameter, one made in the file, or one from another file. */
  private router(module: PythonModule, name: string, at: number): string | undefined {
    const { code, defs } = module
    if (this.made.has(`${code.file}#${name}`)) return `${code.file}#${name}`
    const around = defs.findLast(({ body, params }) => at > body.from && at < body.to && params.includes(name))
    if (around) return `${code.file}@${around.at}:${name}`
    const target = this.python.target(code.file, name)
    const id = target?.name === undefined ? undefined : `${target.file}#${target.name}`
    return id && this.made.has(id) ? id : undefined
  }

  read(module: PythonModule): void {
    const { code } = module
    code.tokens.forEach((token, i) => {
      if (token.kind !== 'word' || code.mark(i + 1) !== '(') return
      const cut = token.text.lastIndexOf('.')
      const name = token.text.slice(token.text.startsWith('@') ? 1 : 0, Math.max(cut, 0))
      const verb = token.text.slice(cut + 1)
      if (token.text.startsWith('@')) this.decorated(module, i, name, verb)
      else if (cut > 0 && /^(include_router|register_blueprint|mount)$/.test(verb)) this.mounted(module, i, name, verb)
      else if (cut > 0 && /^(add_url_rule|add_api_route)$/.test(verb)) this.decorated(module, i, name, 'route')
      else this.handed(module, i)
    })
  }

  private decorated(module: PythonModule, i: number, name: string, verb: string): void {
    const { code } = module
    if (!name || !(VERB.test(verb) || verb === 'route' || verb === 'api_route')) return
    const router = this.router(module, name, i)
    const [first] = code.parts(i + 1)
    const given = first && code.mark(first.from + 1) === '=' ? undefined : first
    const range = given ?? code.named(i + 1, 'path') ?? code.named(i + 1, 'rule')
    const path = range && code.literal(range)
    const place = { file: code.file, line: code.line(i) }
    if (!router) {
      if (USUAL.test(name) && path?.startsWith('/'))
        this.mounts.leave({ ...place, why: `nothing in the file says what "${name}" is` })
      return
    }
    if (path === undefined) return this.mounts.leave({ ...place, why: 'its path is computed' })
    for (const method of VERB.test(verb) ? [verb] : this.methods(module, i + 1))
      this.mounts.route(router, { ...place, method: method.toUpperCase(), path })
  }

  private methods({ code }: PythonModule, open: number): readonly string[] {
    const given = code.named(open, 'methods')
    if (!given) return ['GET']
    if (!/^[[({]$/.test(code.mark(given.from))) return []
    return code
      .parts(given.from)
      .flatMap((part) => code.literal(part) ?? [])
      .filter((method) => VERB.test(method.toLowerCase()))
  }

  /** `app.include_router(users.router, prefix='/users')`, `app.register_blueprint(bp, url_prefix='/x')`, `app.mount('/x', sub)`. */
  private mounted(module: PythonModule, i: number, name: string, verb: string): void {
    const { code } = module
    const parent = this.router(module, name, i)
    const parts = code.parts(i + 1)
    const arg = parts[verb === 'mount' ? 1 : 0]
    if (!parent || !arg) return
    const first = code.mark(arg.from + 1) === '=' ? arg.from + 2 : arg.from
    const router = arg.to === first + 1 ? this.router(module, code.word(first), i) : undefined
    if (!router) return
    const given = verb === 'mount' ? parts[0] : code.named(i + 1, verb === 'include_router' ? 'prefix' : 'url_prefix')
    const starred = parts.some(({ from }) => code.mark(from) === '*')
    const own = verb === 'register_blueprint' ? this.blueprints.get(router) : undefined
    this.mounts.mount(
      parent,
      router,
      given ? this.prefix(module, given) : starred ? { why: PREFIX_COMPUTED } : (own ?? NO_PREFIX),
    )
  }

  /** A function that is called with an application: `register_routes(app)`. */
  private handed(module: PythonModule, i: number): void {
    const { code } = module
    if (code.word(i - 1) === 'def') return
    const target = this.python.target(code.file, code.word(i))
    const there = target?.name === undefined ? undefined : this.python.modules.get(target.file)
    const def = there?.defs.find((each) => each.name === target?.name)
    if (!there || !def) return
    code.parts(i + 1).forEach(({ from, to }, n) => {
      const param = def.params[n]
      const router = param && to === from + 1 ? this.router(module, code.word(from), i) : undefined
      if (param && router) this.mounts.mount(router, `${there.code.file}@${def.at}:${param}`, NO_PREFIX)
    })
  }

  /** A literal, or a constant of this file or of one that it imports from. */
  private prefix({ code }: PythonModule, range: Range): Prefix {
    const name = range.to === range.from + 1 ? code.word(range.from) : ''
    const target = name ? this.python.target(code.file, name) : undefined
    const there = target?.name === undefined ? undefined : this.python.modules.get(target.file)
    const path = code.literal(range) ?? (target?.name === undefined ? undefined : there?.code.constant(target.name))
    return path === undefined ? { why: PREFIX_COMPUTED } : { path }
  }
}
