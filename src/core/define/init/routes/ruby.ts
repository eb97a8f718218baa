/** Routes of Rails (config/routes.rb with its blocks) and of Sinatra. */
import type { TreeFile } from '../../../check/tree.ts'
import { type Found, joined, type LeftOut, type Prefix, type Route } from './mounts.ts'

const VERBS = /^\s*(get|post|put|patch|delete)\b[\s(]+(.+)$/

/** One block: what stands before the paths inside. */
interface Frame {
  readonly prefix: Prefix
  /** Of `resources`: its own path, and that of one of them. */
  readonly list?: string
  readonly one?: string
}

export function rubyRoutes(files: readonly TreeFile[]): Found {
  const found = files.map((file) =>
    /(^|\/)config\/routes\.rb$/.test(file.path)
      ? rails(file)
      : /^\s*require\s+['"]sinatra|\bSinatra::(Base|Application)\b/m.test(file.text)
        ? sinatra(file, files)
        : { routes: [], leftOut: [] },
  )
  return { routes: found.flatMap(({ routes }) => routes), leftOut: found.flatMap(({ leftOut }) => leftOut) }
}

/** Statements with the line where they begin: comments gone, lines that end in a comma joined with the next. */
function statements(text: string): readonly { readonly code: string; readonly line: number }[] {
  const found: { code: string; line: number }[] = []
  let open = false
  text.split('\n').forEach((raw, i) => {
    const plain = raw.length > 2_000 ? '' : raw.replace(/(^|\s)#(?!\{).*$/, '').trimEnd()
    // `:only => [...]` of older code is `only: [...]`.
    const code = plain.replace(/([,{(]\s*):(\w+)\s*=>\s*/g, '$1$2: ')
    if (open) found.at(-1)!.code += ` ${code.trim()}`
    else found.push({ code, line: i + 1 })
    open = /[,\\]$/.test(code) && found.at(-1)!.code.length < 4_000
  })
  return found
}

class Blocks {
  private readonly frames: Frame[] = [{ prefix: { path: '' } }]

  get top(): Frame {
    return this.frames.at(-1)!
  }

  get depth(): number {
    return this.frames.length
  }

  /** Opens and closes what a statement opens and closes. */
  follow(code: string, inner: () => Frame): void {
    if (/^\s*(end\b|\})/.test(code)) {
      if (this.frames.length > 1) this.frames.pop()
      if (!/\b(do|\{)\s*(\|[^|]*\|)?\s*$/.test(code)) return
    }
    if (/(\bdo|\{)\s*(\|[^|]*\|)?\s*$/.test(code)) this.frames.push(inner())
    else if (/^\s*(if|unless|case|begin|def|class|module|while)\b/.test(code) && !/\bend\s*$/.test(code))
      this.frames.push(
        /^\s*(class|module|begin)\b/.test(code) ? this.top : { prefix: { why: 'it is served under a condition only' } },
      )
  }
}

function within(outer: Prefix, path: string): Prefix {
  return 'why' in outer ? outer : { path: joined(outer.path, path) }
}

function rails(file: TreeFile): Found {
  const routes: Route[] = []
  const leftOut: LeftOut[] = []
  const blocks = new Blocks()
  for (const { code, line } of statements(file.text)) {
    const place = { file: file.path, line }
    const { prefix } = blocks.top
    const add = (method: string, path: string, under: Prefix = prefix) => {
      if ('why' in under) leftOut.push({ ...place, why: under.why })
      else routes.push({ ...place, method: method.toUpperCase(), path: joined(under.path, path) })
    }
    if (/^\s*root\b/.test(code)) add('GET', '')
    const made = madeElsewhere(code)
    if (made) leftOut.push({ ...place, why: made })
    const inner = /^\s*(?:member|collection)\s*\{\s*(.+?)\s*\}\s*$/.exec(code)
    const frame = inner ? frameOf(code, blocks.top) : blocks.top
    const verb = (inner?.[1] ?? code).match(VERBS)
    if (verb && !/\bdo\s*$/.test(code))
      for (const [path, under] of pathsOf(verb[2]!, frame)) {
        if (path === undefined) leftOut.push({ ...place, why: 'its path is computed' })
        else add(verb[1]!, path, under)
      }
    for (const resource of resourcesIn(code))
      for (const { method, path } of resource.routes) {
        if (resource.why) leftOut.push({ ...place, why: resource.why })
        else add(method, path)
      }
    blocks.follow(code, () => frameOf(code, blocks.top))
  }
  return { routes, leftOut }
}

function madeElsewhere(code: string): string | undefined {
  if (/^\s*devise_for\b/.test(code)) return 'devise_for makes routes of its own'
  if (/^\s*mount\b/.test(code)) return 'a mounted engine makes routes of its own'
  if (/^\s*draw\b[\s(]+:/.test(code)) return 'draw() takes routes from a file of its own'
  if (/^\s*match\b/.test(code)) return 'match answers several methods'
  return undefined
}

/** The paths of `get 'a'`, `get :a, :b`, `get 'a' => 'x#y'`, each with what stands before it. */
function pathsOf(rest: string, frame: Frame): readonly (readonly [string | undefined, Prefix])[] {
  const on = rest.match(/\bon:\s*:(member|collection)\b/)?.[1]
  const { prefix, list, one } = frame
  const base = on === 'member' ? one : on === 'collection' ? list : undefined
  // `on:` is said of the resources around it: its path is told from theirs, not from what stands inside of them.
  const under: Prefix = base === undefined ? prefix : { path: base }
  const paths: string[] = []
  let text = rest
  for (;;) {
    const found = text.match(/^\(?\s*(?:(['"])([^'"]*)\1|:(\w+))\s*(,|=>|\)|$)?\s*/)
    if (!found) break
    paths.push(found[2] ?? found[3]!)
    text = text.slice(found[0].length)
    if (found[4] !== ',') break
  }
  const own = /\bpath:/.test(rest) ? rest.match(/\bpath:\s*(['"])([^'"]*)\1/) : null
  if (/\bpath:/.test(rest)) return [[paths.length === 1 ? own?.[2] : undefined, under]]
  return paths.map((path) => [path, under] as const)
}

const RESOURCE: readonly (readonly [action: string, method: string, path: string])[] = [
  ['index', 'GET', ''],
  ['new', 'GET', '/new'],
  ['create', 'POST', ''],
  ['show', 'GET', '/:id'],
  ['edit', 'GET', '/:id/edit'],
  ['update', 'PATCH', '/:id'],
  ['destroy', 'DELETE', '/:id'],
]

interface Resource {
  readonly path: string
  /** What one of them is called in the paths of what lies inside. */
  readonly one: string
  readonly single: boolean
  readonly param: string
  readonly routes: readonly { readonly method: string; readonly path: string }[]
  readonly why?: string
}

/** `resources :claims, only: %i[new create]`, `resource :session`. */
function resourcesIn(code: string): readonly Resource[] {
  const found = code.match(/^\s*(resources?)[\s(]+((?::\w+\s*,\s*)*:\w+)(.*)$/)
  if (!found) return []
  const [, word, names, rest] = found as unknown as [string, string, string, string]
  // `only: :show` is an option and no name.
  const options = rest.replace(/(\bdo\b|\{)\s*(\|[^|]*\|)?\s*$/, '')
  const single = word === 'resource'
  const listed = (key: string) =>
    options
      .match(new RegExp(`\\b${key}:\\s*(?:%[iw]\\[([^\\]]*)\\]|\\[([^\\]]*)\\]|:(\\w+))`))
      ?.slice(1)
      .find((part) => part !== undefined)
      ?.match(/\w+/g) ?? (new RegExp(`\\b${key}:\\s*(?:%[iw])?\\[\\s*\\]`).test(options) ? [] : undefined)
  const only: readonly string[] | undefined = listed('only')
  const except: readonly string[] = listed('except') ?? []
  const own = options.match(/\bpath:\s*(['"])([^'"]*)\1/)?.[2]
  const why =
    /\bpath_names:|\bshallow/.test(options) || (/\bpath:/.test(options) && own === undefined)
      ? 'an option of its resource changes its path'
      : undefined
  const as = options
    .match(/\bas:\s*(?::(\w+)|['"](\w+)['"])/)
    ?.slice(1)
    .find(Boolean)
  const param = options.match(/\bparam:\s*:(\w+)/)?.[1] ?? 'id'
  return names.split(',').map((part) => {
    const name = part.trim().slice(1)
    const path = own ?? name
    const actions = RESOURCE.filter(([action]) => (only ? only.includes(action) : !except.includes(action)))
    // A single resource has no list, and no id in its paths.
    const routes = actions
      .filter(([action]) => !(single && action === 'index'))
      .map(([, method, end]) => ({
        method,
        path: `/${path}${single ? end.replace('/:id', '') : end.replace(':id', `:${param}`)}`,
      }))
    return { path, one: singular(as ?? name), single, param, routes, ...(why ? { why } : {}) }
  })
}

const IRREGULAR: Readonly<Record<string, string>> = { people: 'person', children: 'child', men: 'man', women: 'woman' }

function singular(word: string): string {
  return (
    IRREGULAR[word] ??
    word
      .replace(/ies$/, 'y')
      .replace(/(ss|x|ch|sh)es$/, '$1')
      .replace(/([^s])s$/, '$1')
  )
}

function frameOf(code: string, outer: Frame): Frame {
  const { prefix, list, one } = outer
  const word = code.match(/^\s*([\w.]+)/)?.[1] ?? ''
  if (word === 'namespace' || word === 'scope') return { prefix: scoped(code, word, prefix) }
  const [resource] = resourcesIn(code)
  if (resource) {
    if (resource.why || 'why' in prefix) return { prefix: 'why' in prefix ? prefix : { why: resource.why! } }
    const path = joined(prefix.path, resource.path)
    if (resource.single) return { prefix: { path }, list: path, one: path }
    return {
      prefix: { path: `${path}/:${resource.one}_${resource.param}` },
      list: path,
      one: `${path}/:${resource.param}`,
    }
  }
  if (word === 'member' && one !== undefined) return { prefix: { path: one } }
  if (word === 'collection' && list !== undefined) return { prefix: { path: list } }
  if (word === 'concern') return { prefix: { why: 'a concern is served where something asks for it' } }
  if (
    /^(constraints|defaults|authenticate|authenticated|unauthenticated|devise_scope|controller|Rails\.application\.routes\.draw|get|post|put|patch|delete|root)$/.test(
      word,
    )
  )
    return outer
  return { prefix: { why: `what "${word || 'the block around it'}" puts before it cannot be told` } }
}

/** `namespace :admin`, `scope '/api'`, `scope path: 'x'`, `scope module: 'x'`. */
function scoped(code: string, word: string, outer: Prefix): Prefix {
  const rest = code.replace(/^\s*\w+[\s(]*/, '')
  const option = rest.match(/\bpath:\s*(['"])([^'"]*)\1/)?.[2]
  const computed = /\bpath:/.test(rest) && option === undefined
  const first = rest.match(/^(?:(['"])([^'"]*)\1|:(\w+))/)
  const path = option ?? first?.[2] ?? first?.[3] ?? (word === 'scope' && /^\w+:/.test(rest) ? '' : undefined)
  if (computed || path === undefined || /[(#]/.test(path))
    return { why: `the path of the ${word} around it is computed or may be left out` }
  return within(outer, path)
}

function sinatra(file: TreeFile, files: readonly TreeFile[]): Found {
  const routes: Route[] = []
  const leftOut: LeftOut[] = []
  const blocks = new Blocks()
  const rack = files.some(({ path, text }) => /(^|\/)config\.ru$/.test(path) && /^\s*map\b|URLMap/m.test(text))
  for (const { code, line } of statements(file.text)) {
    const { prefix } = blocks.top
    const found = code.match(/^\s*(get|post|put|patch|delete)[\s(]+(['"])(\/[^'"]*)\2\)?.*\bdo\b/)
    const place = { file: file.path, line }
    if (found && rack) leftOut.push({ ...place, why: 'config.ru mounts applications under paths' })
    else if (found && 'why' in prefix) leftOut.push({ ...place, why: prefix.why })
    else if (found && 'path' in prefix)
      routes.push({ ...place, method: found[1]!.toUpperCase(), path: joined(prefix.path, found[3]!) })
    blocks.follow(code, () =>
      /^\s*namespace\b/.test(code) ? { prefix: scoped(code, 'namespace', prefix) } : blocks.top,
    )
  }
  return { routes, leftOut }
}
