/**
 * Routes that common frameworks of Node, Python, Ruby and Java write down literally. Computed ones are not guessed: a route inside of a
 * prefix that another file decides is left out, because a wrong route in a definition is worse than a question.
 */
import type { TreeFile } from '../../check/tree.ts'

export interface Route {
  readonly method: string
  readonly path: string
  readonly line: number
}

type Found = readonly { readonly method: string; readonly path: string; readonly line: number }[]

interface Finder {
  readonly when: RegExp
  find(lines: readonly string[]): Found
}

/** app.get('/x'), router.post("/x"), fastify.get(`/x`) */
const NODE = /\b(?:app|router|routes?|fastify|server|api)\.(get|post|put|patch|delete)\(\s*(['"`])(\/[^'"`]*)\2/g
/** router.route('/x').get(f).post(g) */
const NODE_ROUTE = /\.route\(\s*(['"`])(\/[^'"`]*)\1\s*\)((?:\s*\.(?:get|post|put|patch|delete)\b[^.]*)+)/g
/** { method: 'POST', url: '/x' } and { method: "GET", path: "/x" }: fastify.route, hapi */
const NODE_OBJECT = /method:\s*['"](GET|POST|PUT|PATCH|DELETE)['"]\s*,\s*(?:url|path):\s*(['"])(\/[^'"]*)\2/g
/** @Controller('x') with @Get('y'): NestJS */
const NEST_CLASS = /@Controller\(\s*(?:(['"`])([^'"`]*)\1)?\s*\)/
const NEST = /@(Get|Post|Put|Patch|Delete)\(\s*(?:(['"`])([^'"`]*)\2)?\s*\)/g
/** @app.get("/x"), @router.post("/x"): FastAPI, Flask 2 */
const PYTHON = /@\w+\.(get|post|put|patch|delete)\(\s*(['"])(\/[^'"]*)\2/g
/** @app.route('/x', methods=['GET', 'POST']) */
const FLASK = /@\w+\.route\(\s*(['"])(\/[^'"]*)\1(?:.*methods\s*=\s*\[([^\]]*)\])?/g
/** path('apply/<int:id>/', view): Django; of a project's own urls.py, because an app's is mounted under a prefix */
const DJANGO = /^\s*path\(\s*(['"])([^'"]*)\1\s*,(?!\s*include\b)/
/** get '/x', to: … in routes.rb */
const RAILS = /^\s*(get|post|put|patch|delete)\s+(['"])\/?([^'"]*)\2/
const RAILS_ROOT = /^\s*root[\s(]+(to:|['"])/
const RAILS_RESOURCES = /^\s*(resources?)\s+:(\w+)(.*)$/
/** get '/x' do: Sinatra */
const SINATRA = /^\s*(get|post|put|patch|delete)\s+(['"])(\/[^'"]*)\2\s+do\b/
/** @GetMapping("/x"), @RequestMapping(value = "/x", method = RequestMethod.POST) */
const SPRING = /@(Get|Post|Put|Patch|Delete)Mapping(?:\(\s*(?:(?:value|path)\s*=\s*)?(?:\{\s*)?"([^"]*)")?/g
const SPRING_REQUEST =
  /@RequestMapping\(\s*(?:(?:value|path)\s*=\s*)?"([^"]*)"(?:[^)]*method\s*=\s*(?:RequestMethod\.)?(GET|POST|PUT|PATCH|DELETE))?/
/** @Path("/x") with @GET or @POST: JAX-RS */
const JAX_PATH = /@Path\(\s*"([^"]*)"\s*\)/
const JAX_METHOD = /^\s*@(GET|POST|PUT|PATCH|DELETE)\b/

/** A line that is all comment says what is not served. */
const COMMENT = /^\s*(\/\/|\/\*|\*|#)/

const FINDERS: readonly Finder[] = [
  {
    when: /\.(js|mjs|cjs|ts)$/,
    find: (lines) => [
      ...everyLine(lines, (line) => [
        ...[...line.matchAll(NODE)].map((m) => ({ method: m[1]!, path: m[3]! })),
        ...[...line.matchAll(NODE_OBJECT)].map((m) => ({ method: m[1]!, path: m[3]! })),
        ...[...line.matchAll(NODE_ROUTE)].flatMap((m) =>
          [...m[3]!.matchAll(/\.(get|post|put|patch|delete)\b/g)].map((verb) => ({ method: verb[1]!, path: m[2]! })),
        ),
      ]),
      ...underClass(lines, NEST_CLASS, 2, (line) =>
        [...line.matchAll(NEST)].map((m) => ({ method: m[1]!, path: m[3] ?? '' })),
      ),
    ],
  },
  {
    when: /\.py$/,
    find: (lines) =>
      everyLine(lines, (line) => [
        ...[...line.matchAll(PYTHON)].map((m) => ({ method: m[1]!, path: m[3]! })),
        ...[...line.matchAll(FLASK)].flatMap((m) =>
          (m[3]?.match(/[A-Z]+/g) ?? ['GET']).map((method) => ({ method, path: m[2]! })),
        ),
      ]),
  },
  {
    // A project's urls.py stands beside its settings; those of its apps are included under a prefix.
    when: /(^|\/)(config|core|project|site|\w+_project)\/urls\.py$/,
    find: (lines) =>
      everyLine(lines, (line) => {
        const found = line.match(DJANGO)
        return found ? [{ method: 'GET', path: `/${found[2]}` }] : []
      }),
  },
  { when: /(^|\/)routes\.rb$/, find: railsRoutes },
  {
    when: /\.rb$/,
    find: (lines) =>
      everyLine(lines, (line) => {
        const found = line.match(SINATRA)
        return found ? [{ method: found[1]!, path: found[3]! }] : []
      }),
  },
  { when: /\.(java|kt)$/, find: (lines) => [...springRoutes(lines), ...jaxRoutes(lines)] },
]

/** At most 200 of a file, in its order; parameters written as `:name`. */
export function routesIn(file: TreeFile): readonly Route[] {
  const finders = FINDERS.filter((known) => known.when.test(file.path))
  if (finders.length === 0 || file.text.length > 1_000_000) return []
  const lines = file.text.split('\n').map((line) => (line.length > 2_000 ? '' : line))
  return finders
    .flatMap(({ find }) => find(lines))
    .map(({ method, path, line }) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{(\w+)[^}]*\}/g, ':$1').replace(/<(?:\w+:)?(\w+)>/g, ':$1'),
      line,
    }))
    .filter(({ path }) => path.startsWith('/') && !/[?#\s*$()^\\]|\$\{/.test(path))
    .sort((a, b) => a.line - b.line)
    .slice(0, 200)
}

function everyLine(
  lines: readonly string[],
  find: (line: string) => readonly { readonly method: string; readonly path: string }[],
): Found {
  return lines.flatMap((line, i) => (COMMENT.test(line) ? [] : find(line).map((found) => ({ ...found, line: i + 1 }))))
}

/** Routes of a class, under the path that stands above it. Without a class there are none. */
function underClass(
  lines: readonly string[],
  head: RegExp,
  group: number,
  find: (line: string) => readonly { readonly method: string; readonly path: string }[],
): Found {
  let prefix: string | undefined
  return lines.flatMap((line, i) => {
    const opened = line.match(head)
    if (opened) prefix = opened[group] ?? ''
    if (prefix === undefined) return []
    return find(line).map(({ method, path }) => ({ method, path: joined(prefix!, path), line: i + 1 }))
  })
}

function joined(...parts: readonly string[]): string {
  return `/${parts
    .map((part) => part.replace(/^\/+|\/+$/g, ''))
    .filter(Boolean)
    .join('/')}`
}

/** A @RequestMapping right above a class is the prefix of its methods; one above a method is a route. */
function springRoutes(lines: readonly string[]): Found {
  let prefix = ''
  let pending: { path: string; method: string | undefined; line: number } | undefined
  const found: { method: string; path: string; line: number }[] = []
  lines.forEach((line, i) => {
    for (const m of line.matchAll(SPRING)) found.push({ method: m[1]!, path: joined(prefix, m[2] ?? ''), line: i + 1 })
    const request = line.match(SPRING_REQUEST)
    if (request) pending = { path: request[1]!, method: request[2], line: i + 1 }
    if (!pending) return
    if (/\b(class|interface)\s+\w/.test(line)) {
      prefix = pending.path
      pending = undefined
    } else if (
      /\b(public|private|protected|fun)\s+[\w<>[\], ?]+\s*\(|\bfun\s+\w+\(/.test(line) ||
      /\w\s*\([^)]*\)\s*\{/.test(line)
    ) {
      // Without a method it answers every one of them, and the journey's is not known.
      if (pending.method) found.push({ method: pending.method, path: joined(prefix, pending.path), line: pending.line })
      pending = undefined
    }
  })
  return found
}

function jaxRoutes(lines: readonly string[]): Found {
  let prefix: string | undefined
  let path = ''
  let method: string | undefined
  const found: { method: string; path: string; line: number }[] = []
  lines.forEach((line, i) => {
    path = line.match(JAX_PATH)?.[1] ?? path
    method = line.match(JAX_METHOD)?.[1] ?? method
    if (/\bclass\s+\w/.test(line)) {
      if (path !== '') prefix = path
      path = ''
    } else if (/\(.*\)?\s*\{?\s*$/.test(line) && /\b(public|fun)\b/.test(line)) {
      if (prefix !== undefined && method) found.push({ method, path: joined(prefix, path), line: i + 1 })
      path = ''
      method = undefined
    }
  })
  return found
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

/** Routes at the top of `draw do`; those inside of a namespace, scope or other resource have a prefix of their own. */
function railsRoutes(lines: readonly string[]): Found {
  let depth = 0
  const found: { method: string; path: string; line: number }[] = []
  lines.forEach((line, i) => {
    const code = line.replace(/#.*$/, '')
    if (/^\s*end\b/.test(code)) depth--
    if (depth <= 1) {
      const plain = code.match(RAILS)
      if (plain && !/\bdo\b/.test(code)) found.push({ method: plain[1]!, path: `/${plain[3]}`, line: i + 1 })
      if (RAILS_ROOT.test(code)) found.push({ method: 'GET', path: '/', line: i + 1 })
      const resources = code.match(RAILS_RESOURCES)
      if (resources)
        for (const route of resourceRoutes(resources[2]!, resources[3]!, resources[1] === 'resource'))
          found.push({ ...route, line: i + 1 })
    }
    if (/\bdo\b(\s*\|[^|]*\|)?\s*$/.test(code)) depth++
  })
  return found
}

function resourceRoutes(name: string, options: string, single: boolean): readonly { method: string; path: string }[] {
  if (/\b(path|controller|param|module|as|shallow):/.test(options)) return []
  const listed = (key: string) =>
    options.match(new RegExp(`\\b${key}:\\s*(?:%i\\[([^\\]]*)\\]|\\[([^\\]]*)\\]|:(\\w+))`))
  const words = (found: RegExpMatchArray | null) => found?.slice(1).find(Boolean)?.match(/\w+/g)
  const only = words(listed('only'))
  const except: readonly string[] = words(listed('except')) ?? []
  const wanted = (action: string) => (only ? (only as readonly string[]).includes(action) : !except.includes(action))
  // A single resource has no list, and no id in its paths.
  return RESOURCE.filter(([action]) => wanted(action) && !(single && action === 'index')).map(([, method, path]) => ({
    method,
    path: `/${name}${single ? path.replace('/:id', '') : path}`,
  }))
}
