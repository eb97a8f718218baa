/**
 * Routes that common frameworks of Node, Python, Ruby and Java write down literally, under the prefixes at which their routers are
 * mounted, across files. What is computed is not guessed: it is left out, counted, and the reason said.
 */
import type { TreeFile } from '../../check/tree.ts'
import { djangoRoutes } from './routes/django.ts'
import { javaRoutes } from './routes/java.ts'
import type { Found, LeftOut, Route } from './routes/mounts.ts'
import { nestRoutes } from './routes/nest.ts'
import { nodeRoutes } from './routes/node.ts'
import { pythonRoutes } from './routes/python.ts'
import { rubyRoutes } from './routes/ruby.ts'

/** Tests and stand-ins serve nobody. */
const NOT_SERVED =
  /(^|[/._-])(mock|stub|fake|dummy)(s|ed)?([/._-]|server)|(^|\/)(__mocks__|e2e|cypress|playwright|stories|benchmarks?)\/|[.-](test|test-d|tst|spec|stories|d|min)\.[cm]?[jt]s$|(^|\/)(test_[^/]*|[^/]*_test|conftest)\.py$|_(spec|test)\.rb$|(^|\/)src\/test\/|Tests?\.(java|kt)$/i
/** A source file of people is smaller; what is not is generated, or bundled. */
const CHARS_MAX = 500_000
const FILES_MAX = 5_000
const ROUTES_MAX = 1_000

type Place = Pick<LeftOut, 'file' | 'line'>

interface Language {
  readonly when: RegExp
  readonly read: (files: readonly TreeFile[]) => Found
}

const LANGUAGES: readonly Language[] = [
  { when: /\.([cm]?js|[cm]?ts)$/, read: nodeRoutes },
  { when: /\.ts$/, read: nestRoutes },
  { when: /\.py$/, read: pythonRoutes },
  { when: /\.py$/, read: djangoRoutes },
  { when: /\.(rb|ru)$/, read: rubyRoutes },
  { when: /\.(java|kt|properties|ya?ml)$/, read: javaRoutes },
]

/** At most 1,000 routes, by file and line. Never throws. */
export function routesIn(files: readonly TreeFile[]): Found {
  const served = files.filter(({ path, text }) => !NOT_SERVED.test(path) && text.length <= CHARS_MAX)
  const routes: Route[] = []
  const leftOut: LeftOut[] = []
  for (const { when, read } of LANGUAGES) {
    const found = read(served.filter(({ path }) => when.test(path)).slice(0, FILES_MAX))
    leftOut.push(...found.leftOut)
    for (const route of found.routes) {
      const path = route.path.replace(/\{(\w+)(?::path)?\}/g, ':$1').replace(/<(?:\w+:)?(\w+)>/g, ':$1')
      if (/^\/[\w\-./:~@%]*$/.test(path)) routes.push({ ...route, path })
      else leftOut.push({ file: route.file, line: route.line, why: 'its path is a pattern' })
    }
  }
  const order = (a: Place, b: Place) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line)
  return { routes: routes.sort(order).slice(0, ROUTES_MAX), leftOut: leftOut.sort(order) }
}
