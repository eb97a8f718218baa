/** Routes of Express, Koa, Hono, Fastify and hapi: literal paths, under the prefixes at which their routers are mounted. */
import type { TreeFile } from '../../../check/tree.ts'
import type { Range } from './code.ts'
import { type Func, fileOf, type Module, modulesOf, required } from './javascript.ts'
import { type Found, Mounts, type Prefix } from './mounts.ts'

/** What makes an application or a router, as `package member`; `new` may stand before it. */
const MADE_OF: Readonly<Record<string, 'app' | 'router'>> = {
  'express default': 'app',
  'express Router': 'router',
  'express-promise-router default': 'router',
  'fastify default': 'app',
  'fastify fastify': 'app',
  'koa default': 'app',
  '@koa/router default': 'router',
  '@koa/router Router': 'router',
  'koa-router default': 'router',
  'hono Hono': 'app',
  'hono/tiny Hono': 'app',
  'hono/quick Hono': 'app',
  '@hono/zod-openapi OpenAPIHono': 'app',
  'polka default': 'app',
  'restify createServer': 'app',
  '@hapi/hapi server': 'app',
  '@hapi/hapi Server': 'app',
  'hapi server': 'app',
  'hapi Server': 'app',
}
/** The names that people give to these, where a file does not say where a name comes from. */
const APPS = /^(express|fastify|Fastify|Hono|OpenAPIHono|Koa|polka|restify\.createServer|Hapi\.(server|Server))$/
const ROUTERS = /^(express\.Router|Router|KoaRouter|PromiseRouter)$/
const VERB = /^(get|post|put|patch|delete)$/
const KNOWN = /^(get|post|put|patch|delete|route|use|register|prefix)$/
/** Names that people give to routers: a route on one that nothing explains is worth a word. */
const USUAL = /^(this\.)?(app|router|routes|fastify)$/
const CONDITIONAL = 'it is served under a condition only'
const COMPUTED = 'its path is computed'
const PREFIX_COMPUTED = 'the prefix of its router is computed'

interface Made {
  readonly id: string
  readonly scope: number
  readonly name: string
}

/** A call of a router's: `on.verb(`, with the bracket at `open`. */
interface Call {
  readonly i: number
  readonly open: number
  readonly on: string
  readonly verb: string
  readonly router: string | undefined
}

/** What an expression stands for. */
type Thing = { readonly router: string } | { readonly func: Func; readonly module: Module }

export function nodeRoutes(files: readonly TreeFile[]): Found {
  const modules = modulesOf(files)
  const reader = new Reader(modules)
  for (const module of modules.values()) reader.makings(module)
  for (const module of modules.values()) reader.read(module)
  return reader.mounts.result
}

class Reader {
  readonly mounts = new Mounts()
  private readonly modules: ReadonlyMap<string, Module>
  private readonly made = new Map<string, Made[]>()
  private readonly conditions = new Map<string, readonly Range[]>()
  private readonly names = new Map<string, ReadonlySet<string>>()

  constructor(modules: ReadonlyMap<string, Module>) {
    this.modules = modules
  }

  /** Applications and routers, by the name that they are given. */
  makings(module: Module): void {
    const { code } = module
    const found: Made[] = []
    code.tokens.forEach((token, i) => {
      if (token.kind !== 'mark' || token.text !== '=' || found.length > 500) return
      const at = /^(await|new)$/.test(code.word(i + 1)) ? i + 2 : i + 1
      const made = madeAt(module, at)
      if (!made) return
      const open = this.afterTypes(module, made.open)
      if (code.mark(open) !== '(') return
      const name = this.declared(module, i)
      if (!name) return
      const scope = name.startsWith('this.') || /exports/.test(name) ? -1 : this.scopeOf(module, i)
      const id = `${code.file}#${scope}:${name}`
      const prefix = this.ownPrefix(module, open)
      if (prefix) this.mounts.own(id, prefix)
      if (made.kind === 'app') this.mounts.root(id)
      found.push({ id, scope, name })
    })
    this.made.set(code.file, found)
  }

  /** `const app = `, `this.app = `, `const app: Express = `. */
  private declared(module: Module, sign: number): string {
    const { code } = module
    for (let back = sign - 1; back > sign - 14 && back >= 0; back--) {
      if (/^(const|let|var)$/.test(code.word(back - 1))) return code.word(back)
      if (/[;{}()]/.test(code.mark(back))) break
    }
    const name = code.word(sign - 1)
    return name === 'module.exports' || name === 'exports' ? 'module.exports' : name
  }

  /** `new Hono<{ Bindings: Env }>()`: the bracket after the types. */
  private afterTypes(module: Module, from: number): number {
    const { code } = module
    if (code.mark(from) !== '<') return from
    for (let i = from + 1; i < from + 60; i++) if (code.mark(i) === '>' && code.mark(i + 1) === '(') return i + 1
    return from
  }

  /** `new Router({ prefix: '/x' })` of Koa, `new Hono().basePath('/x')`. */
  private ownPrefix(module: Module, open: number): Prefix | undefined {
    const { code } = module
    const close = code.end(open)
    if (code.mark(close + 1) === '.' && code.word(close + 2) === 'basePath')
      return prefixOf(module, { from: close + 4, to: code.end(close + 3) })
    if (code.mark(open + 1) !== '{') return undefined
    const given = code.named(open + 1, 'prefix')
    return given && prefixOf(module, given)
  }

  private scopeOf({ funcs }: Module, at: number): number {
    return functionsAround(funcs, at)[0]?.start ?? -1
  }

  /** Names of a file that may lead to a router, by their first word: most calls of a file are none of ours. */
  private known(module: Module): ReadonlySet<string> {
    const { code, funcs, imports } = module
    const before = this.names.get(code.file)
    if (before) return before
    const made = (this.made.get(code.file) ?? []).map(({ name }) => name.split('.')[0]!)
    const names = new Set([...made, ...imports.keys(), ...funcs.flatMap(({ name, params }) => [name ?? '', ...params])])
    names.delete('')
    this.names.set(code.file, names)
    return names
  }

  /** What a name means at a place: a parameter, a router made here, or what another file exports. */
  private meaning(module: Module, name: string, at: number, depth = 0): Thing | undefined {
    if (depth > 8 || !this.known(module).has(name.split('.')[0]!)) return undefined
    const { code, funcs, imports } = module
    const around = functionsAround(funcs, at)
    for (const scope of [...around.map(({ start }) => start), -1]) {
      const made = this.made.get(code.file)?.find((each) => each.scope === scope && each.name === name)
      if (made) return { router: made.id }
      const func = around.find(({ start }) => start === scope)
      if (func?.params.includes(name)) {
        const router = paramOf(module, func, name)
        if (!USUAL.test(name)) this.mounts.maybe(router)
        return { router }
      }
    }
    const named = funcs.find((func) => func.name === name)
    if (named) return { func: named, module }
    const [first = '', ...rest] = name.split('.')
    const source = imports.get(first)
    if (!source) return undefined
    const member = rest.filter((part) => part !== 'default')
    if (source.name === '*') return this.exported(source.file, member[0] ?? 'default', depth + 1)
    if (source.name !== 'default' || member.length === 0) return this.exported(source.file, source.name, depth + 1)
    return this.exported(source.file, member[0]!, depth + 1)
  }

  private exported(file: string, name: string, depth: number): Thing | undefined {
    const module = this.modules.get(file)
    const found = module?.exports.get(name)
    if (!module || !found || depth > 8) return undefined
    if ('func' in found) return { func: found.func, module }
    if ('from' in found) return this.exported(found.from.file, found.from.name, depth + 1)
    const plain = found.local
    if (/^(new|await)$/.test(plain) || ROUTERS.test(plain) || APPS.test(plain) || module.packages.has(plain)) {
      const made = this.made.get(file)?.filter(({ scope }) => scope === -1) ?? []
      const own = made.filter((each) => /exports/.test(each.name))
      const one = own.length > 0 ? own : made
      return one.length === 1 ? { router: one[0]!.id } : undefined
    }
    return this.meaning(module, found.local, -1, depth + 1)
  }

  /** What an argument stands for: `users`, `users.routes()`, `require('./users')`, `makeUsers(db)`. */
  private argument(module: Module, { from, to }: Range): Thing | undefined {
    const { code } = module
    const source = required(code, from)
    if (source) {
      const at = fileOf(this.modules, code.file, source.spec)
      const thing = at === undefined ? undefined : this.exported(at, source.member ?? 'default', 0)
      return source.end < to && code.mark(source.end) === '(' ? this.returned(thing) : thing
    }
    const name = code.word(from)
    if (!name) return undefined
    if (to === from + 1) return this.meaning(module, name, from)
    if (code.mark(from + 1) !== '(' || code.end(from + 1) !== to - 1) return undefined
    if (/\.(routes|middleware|callback)$/.test(name)) return this.meaning(module, name.replace(/\.\w+$/, ''), from)
    return this.returned(this.meaning(module, name, from))
  }

  /** The one router that a function makes. */
  private returned(thing: Thing | undefined): Thing | undefined {
    if (!thing || !('func' in thing)) return undefined
    const { func, module } = thing
    const made = (this.made.get(module.code.file) ?? []).filter(({ scope }) => scope === func.start)
    return made.length === 1 ? { router: made[0]!.id } : undefined
  }

  read(module: Module): void {
    const { code } = module
    code.tokens.forEach((token, i) => {
      if (token.kind !== 'word') return
      if (token.text === 'require') this.passedOn(module, i)
      const open = this.afterTypes(module, i + 1)
      if (code.mark(open) !== '(') return
      const cut = token.text.lastIndexOf('.')
      const on = cut < 0 ? '' : token.text.slice(0, cut)
      const verb = token.text.slice(cut + 1)
      if (on && KNOWN.test(verb)) this.call(module, { i, open, on, verb, router: this.routerCalled(module, on, i) })
      else this.handed(module, this.meaning(module, token.text, i), open)
    })
  }

  private routerCalled(module: Module, name: string, at: number): string | undefined {
    const thing = this.meaning(module, name, at)
    return thing && 'router' in thing ? thing.router : undefined
  }

  /** One call on a router, and those that follow it in a chain. */
  private call(module: Module, call: Call): void {
    const { code } = module
    const { verb, router, open, i } = call
    if (VERB.test(verb)) this.verb(module, call)
    else if (verb === 'route') this.route(module, call)
    else if (router && verb === 'use') this.use(module, router, code.parts(open))
    else if (router && verb === 'register') this.register(module, router, open)
    else if (router && verb === 'prefix')
      this.mounts.own(router, prefixOf(module, { from: open + 1, to: code.end(open) }))
    else if (verb !== 'prefix') this.handed(module, this.meaning(module, code.word(i), i), open)
    const next = code.end(open) + 2
    if (!router || code.mark(next - 1) !== '.' || code.mark(next + 1) !== '(' || !KNOWN.test(code.word(next))) return
    // The verbs after `route('/x')` are its own, and were read with it.
    if (verb === 'route' && code.parts(open).length < 2) return
    this.call(module, { ...call, i: next, open: next + 1, verb: code.word(next) })
  }

  private add(module: Module, i: number, router: string, method: string, path: string): void {
    const { code } = module
    if (this.rehearsed(module).some(({ from, to }) => i > from && i < to)) return this.leave(module, i, CONDITIONAL)
    this.mounts.route(router, { method: method.toUpperCase(), path, file: code.file, line: code.line(i) })
  }

  /** Blocks that only an environment other than production runs: `if (process.env.NODE_ENV !== 'production') {`. */
  private rehearsed({ code }: Module): readonly Range[] {
    const before = this.conditions.get(code.file)
    if (before) return before
    const found = code.tokens.flatMap((token, i): Range[] => {
      if (token.text !== 'if' || token.kind !== 'word' || code.mark(i + 1) !== '(') return []
      const close = code.end(i + 1)
      const asks = code.tokens
        .slice(i + 2, Math.min(close, i + 40))
        .some(({ text }) => /NODE_ENV|^is(Dev|Test|Local|Prod)/i.test(text))
      return asks && code.mark(close + 1) === '{' ? [{ from: close + 1, to: code.end(close + 1) }] : []
    })
    this.conditions.set(code.file, found)
    return found
  }

  private leave(module: Module, i: number, why: string): void {
    this.mounts.leave({ file: module.code.file, line: module.code.line(i), why })
  }

  private open(module: Module, i: number, router: string): void {
    this.mounts.open(router, { file: module.code.file, line: module.code.line(i), why: COMPUTED })
  }

  private verb(module: Module, { i, open, on, router, verb }: Call): void {
    const [first, second] = module.code.parts(open)
    // With one argument, it asks for a setting or for another service's page.
    if (!first || !second) return
    const path = module.code.literal(first)
    if (router && path === undefined) this.open(module, i, router)
    else if (router && path?.startsWith('/')) this.add(module, i, router, verb, path)
    else if (!router && USUAL.test(on) && path?.startsWith('/'))
      this.leave(module, i, `nothing in the file says what "${on}" is`)
  }

  /** `router.route('/x').get(f).post(g)`, `fastify.route({ method, url })`, Hono's `app.route('/x', sub)`. */
  private route(module: Module, { i, open, on, router }: Call): void {
    const { code } = module
    const [first, second] = code.parts(open)
    if (!first) return
    const path = code.literal(first)
    if (!router) {
      if (USUAL.test(on) && path?.startsWith('/')) this.leave(module, i, `nothing in the file says what "${on}" is`)
      return
    }
    if (code.mark(first.from) === '{' || code.mark(first.from) === '[')
      return this.routeObject(module, i, router, first)
    if (second) {
      const sub = this.argument(module, second)
      if (sub && 'router' in sub) this.mounts.mount(router, sub.router, prefixOf(module, first))
      return
    }
    for (let at = code.end(open); code.mark(at + 1) === '.' && code.mark(at + 3) === '('; at = code.end(at + 3)) {
      const verb = code.word(at + 2)
      if (!VERB.test(verb)) continue
      if (path === undefined) this.open(module, at + 2, router)
      else this.add(module, at + 2, router, verb, path)
    }
  }

  private routeObject(module: Module, i: number, router: string, given: Range): void {
    const { code } = module
    const objects = code.mark(given.from) === '[' ? code.parts(given.from) : [given]
    for (const { from } of objects) {
      if (code.mark(from) !== '{') continue
      const path = code.named(from, 'url') ?? code.named(from, 'path')
      const method = code.named(from, 'method')
      if (!path || !method) continue
      const methods = code.mark(method.from) === '[' ? code.parts(method.from) : [method]
      for (const each of methods) {
        const [verb, where] = [code.literal(each), code.literal(path)]
        if (verb === undefined || where === undefined) this.open(module, i, router)
        else if (VERB.test(verb.toLowerCase())) this.add(module, from, router, verb, where)
      }
    }
  }

  /** `app.use('/x', guard, users)`; without a path it mounts at the root. */
  private use(module: Module, router: string, args: readonly Range[]): void {
    const { code } = module
    const [first, ...rest] = args
    if (!first) return
    const plain = code.literal(first)
    const whole = this.argument(module, first)
    const pathless = plain === undefined && (whole !== undefined || rest.length === 0)
    for (const arg of pathless ? args : rest) {
      const mount =
        code.word(arg.from) === 'mount' && code.mark(arg.from + 1) === '(' ? code.parts(arg.from + 1) : undefined
      const target = this.argument(module, mount?.[1] ?? arg)
      if (target && 'router' in target && target.router !== router)
        this.mounts.mount(
          router,
          target.router,
          mount ? prefixOf(module, mount[0]!) : pathless ? { path: '' } : prefixOf(module, first),
        )
    }
  }

  /** `fastify.register(plugin, { prefix: '/x' })`. */
  private register(module: Module, router: string, open: number): void {
    const { code } = module
    const [plugin, options] = code.parts(open)
    if (!plugin) return
    const func = module.funcs.find(({ start }) => start >= plugin.from && start <= plugin.from + 3 && start < plugin.to)
    const thing = func ? { func, module } : this.argument(module, plugin)
    if (!thing || !('func' in thing) || thing.func.params[0] === undefined) return
    const given = options && code.mark(options.from) === '{' ? code.named(options.from, 'prefix') : undefined
    const prefix: Prefix = given
      ? prefixOf(module, given)
      : options && code.mark(options.from) !== '{'
        ? { why: PREFIX_COMPUTED }
        : { path: '' }
    this.mounts.mount(router, paramOf(thing.module, thing.func, thing.func.params[0]), prefix)
  }

  /** A function that is called with a router adds its routes to that router: `usersRoutes(app)`. */
  private handed(module: Module, thing: Thing | undefined, open: number): void {
    if (!thing || !('func' in thing)) return
    module.code.parts(open).forEach((arg, n) => {
      const param = thing.func.params[n]
      const given = param ? this.argument(module, arg) : undefined
      if (param && given && 'router' in given)
        this.mounts.mount(given.router, paramOf(thing.module, thing.func, param), { path: '' })
    })
  }

  /** `require('./routes')(app)`. */
  private passedOn(module: Module, i: number): void {
    const source = required(module.code, i)
    if (!source || module.code.mark(source.end) !== '(') return
    const file = fileOf(this.modules, module.code.file, source.spec)
    if (file !== undefined) this.handed(module, this.exported(file, source.member ?? 'default', 0), source.end)
  }
}

/** What is made at a token: `express()`, `express.Router()`, `require('fastify')()`; `open` is where its bracket is due. */
function madeAt(module: Module, at: number): { readonly kind: 'app' | 'router'; readonly open: number } | undefined {
  const { code, packages } = module
  const direct = required(code, at)
  if (direct) {
    const kind = MADE_OF[`${direct.spec} ${direct.member ?? 'default'}`]
    return kind && { kind, open: direct.end }
  }
  const what = code.word(at)
  const [local = '', member] = what.split('.')
  const source = packages.get(local)
  if (!source) {
    const kind = APPS.test(what) ? 'app' : ROUTERS.test(what) ? 'router' : undefined
    return kind && { kind, open: at + 1 }
  }
  const name = member ?? (source.name === '*' ? 'default' : source.name)
  const kind = MADE_OF[`${source.file} ${name}`]
  return kind && { kind, open: at + 1 }
}

/** The functions around a token, innermost first. People nest them a few deep; more is no code of theirs. */
function functionsAround(funcs: readonly Func[], at: number): readonly Func[] {
  const around: Func[] = []
  for (let i = funcs.length - 1; i >= 0 && around.length < 20; i--)
    if (at > funcs[i]!.body.from && at < funcs[i]!.body.to) around.push(funcs[i]!)
  return around
}

function paramOf({ code }: Module, func: Func, name: string): string {
  return `${code.file}@${func.start}:${name}`
}

function prefixOf({ code }: Module, range: Range): Prefix {
  const path = code.literal(range) ?? (range.to === range.from + 1 ? code.constant(code.word(range.from)) : undefined)
  return path === undefined ? { why: PREFIX_COMPUTED } : { path }
}
