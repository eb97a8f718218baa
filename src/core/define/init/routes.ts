/** Routes that common frameworks of Node, Python, Ruby and Java write down literally. Computed ones are not guessed. */
import type { TreeFile } from '../../check/tree.ts'

export interface Route {
  readonly method: string
  readonly path: string
  readonly line: number
}

type Finder = (line: string) => { method: string; path: string }[]

/** app.get('/x'), router.post("/x"), fastify.get(`/x`) */
const NODE = /\b(?:app|router|routes?|fastify|server|api)\.(get|post|put|patch|delete)\(\s*(['"`])(\/[^'"`]*)\2/g
/** @app.get("/x"), @router.post("/x"): FastAPI, Flask 2 */
const PYTHON = /@\w+\.(get|post|put|patch|delete)\(\s*(['"])(\/[^'"]*)\2/g
/** @app.route('/x', methods=['GET', 'POST']) */
const FLASK = /@\w+\.route\(\s*(['"])(\/[^'"]*)\1(?:.*methods\s*=\s*\[([^\]]*)\])?/g
/** get '/x', to: … in routes.rb */
const RAILS = /^\s*(get|post|put|patch|delete)\s+(['"])\/?([^'"]*)\2/
/** @GetMapping("/x") */
const SPRING = /@(Get|Post|Put|Patch|Delete)Mapping\(\s*(?:(?:value|path)\s*=\s*)?"(\/[^"]*)"/g

const FINDERS: readonly { readonly when: RegExp; readonly find: Finder }[] = [
  { when: /\.(js|mjs|cjs|ts)$/, find: (line) => [...line.matchAll(NODE)].map((m) => ({ method: m[1]!, path: m[3]! })) },
  {
    when: /\.py$/,
    find: (line) => [
      ...[...line.matchAll(PYTHON)].map((m) => ({ method: m[1]!, path: m[3]! })),
      ...[...line.matchAll(FLASK)].flatMap((m) =>
        (m[3]?.match(/[A-Z]+/g) ?? ['GET']).map((method) => ({ method, path: m[2]! })),
      ),
    ],
  },
  {
    when: /(^|\/)routes\.rb$/,
    find: (line) => {
      const found = line.match(RAILS)
      return found ? [{ method: found[1]!, path: `/${found[3]}` }] : []
    },
  },
  { when: /\.(java|kt)$/, find: (line) => [...line.matchAll(SPRING)].map((m) => ({ method: m[1]!, path: m[2]! })) },
]

/** At most 200 of a file, in its order; parameters written as `:name`. */
export function routesIn(file: TreeFile): readonly Route[] {
  const finders = FINDERS.filter((known) => known.when.test(file.path))
  if (finders.length === 0 || file.text.length > 1_000_000) return []
  const routes: Route[] = []
  file.text.split('\n').forEach((line, i) => {
    if (line.length > 2_000) return
    for (const { find } of finders)
      for (const { method, path } of find(line)) {
        const named = path.replace(/\{(\w+)[^}]*\}/g, ':$1').replace(/<(?:\w+:)?(\w+)>/g, ':$1')
        if (!/[?#\s*$]|\$\{/.test(named) && routes.length < 200)
          routes.push({ method: method.toUpperCase(), path: named, line: i + 1 })
      }
  })
  return routes
}
