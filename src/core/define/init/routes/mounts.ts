/**
 * Routers and what they are mounted under. A route is known when every prefix on the way from an application to it stands in the
 * files; else it is left out, with the reason: a wrong route in a definition is worse than a question.
 */

export interface Route {
  readonly method: string
  /** Parameters written as `:name`. */
  readonly path: string
  readonly file: string
  readonly line: number
}

/** A route that was found and whose path cannot be told. */
export interface LeftOut {
  readonly file: string
  readonly line: number
  readonly why: string
}

export interface Found {
  readonly routes: readonly Route[]
  readonly leftOut: readonly LeftOut[]
}

/** A prefix, or why there is none to tell. */
export type Prefix = { readonly path: string } | { readonly why: string }

const ROOT: Prefix = { path: '' }
const DEPTH_MAX = 8
const WAYS_MAX = 12
const ROUTES_MAX = 2_000

export class Mounts {
  private readonly roots = new Set<string>()
  private readonly mounts = new Map<string, { readonly parent: string; readonly prefix: Prefix }[]>()
  private readonly owns = new Map<string, Prefix>()
  private readonly found: (Route & { readonly router: string })[] = []
  private readonly opened: (LeftOut & { readonly router: string })[] = []
  private readonly maybes = new Set<string>()
  private readonly lost: LeftOut[] = []
  private readonly join: (...parts: readonly string[]) => string

  /** `join` puts prefixes and path together as the framework does. */
  constructor(join: (...parts: readonly string[]) => string = joined) {
    this.join = join
  }

  /** An application: it is served as it is, unless something mounts it. */
  root(router: string): void {
    this.roots.add(router)
  }

  /** The prefix that a router is made with: it stands between where it is mounted and its routes. */
  own(router: string, prefix: Prefix): void {
    this.owns.set(router, prefix)
  }

  mount(parent: string, router: string, prefix: Prefix): void {
    const known = this.mounts.get(router) ?? []
    if (known.length < WAYS_MAX) this.mounts.set(router, [...known, { parent, prefix }])
  }

  /** Something that may be a router, or anything else with the same verbs: it counts only where it is mounted. */
  maybe(router: string): void {
    this.maybes.add(router)
  }

  /** A route whose path is open. */
  open(router: string, left: LeftOut): void {
    if (this.opened.length < ROUTES_MAX) this.opened.push({ ...left, router })
  }

  route(router: string, route: Route): void {
    if (this.found.length < ROUTES_MAX) this.found.push({ ...route, router })
  }

  leave(left: LeftOut): void {
    if (this.lost.length < ROUTES_MAX) this.lost.push(left)
  }

  get result(): Found {
    const routes: Route[] = []
    const leftOut = [...this.lost]
    for (const { router, ...left } of this.opened) if (this.prefixes(router, 0).length > 0) leftOut.push(left)
    for (const { router, ...route } of this.found)
      for (const prefix of this.prefixes(router, 0)) {
        if ('why' in prefix) leftOut.push({ file: route.file, line: route.line, why: prefix.why })
        else routes.push({ ...route, path: this.join(prefix.path, route.path) })
      }
    return { routes, leftOut }
  }

  private prefixes(router: string, depth: number): readonly Prefix[] {
    const own = this.owns.get(router)
    const outside = this.outside(router, depth)
    return own ? outside.map((prefix) => this.under(prefix, own)) : outside
  }

  private under(outer: Prefix, inner: Prefix): Prefix {
    return 'why' in outer ? outer : 'why' in inner ? inner : { path: this.join(outer.path, inner.path) }
  }

  private outside(router: string, depth: number): readonly Prefix[] {
    const mounts = this.mounts.get(router) ?? []
    if (depth > DEPTH_MAX) return [{ why: 'its router is mounted in a circle, or too deep to follow' }]
    if (mounts.length === 0 && this.maybes.has(router)) return []
    if (mounts.length === 0)
      return this.roots.has(router) ? [ROOT] : [{ why: 'where its router is mounted cannot be seen' }]
    return mounts
      .flatMap(({ parent, prefix }) => this.prefixes(parent, depth + 1).map((outer) => this.under(outer, prefix)))
      .slice(0, WAYS_MAX)
  }
}

/** One path; a slash at the end of the last part stays, because frameworks tell it apart. */
export function joined(...parts: readonly string[]): string {
  const path = `/${parts
    .flatMap((part) => part.split('/'))
    .filter(Boolean)
    .join('/')}`
  const last = parts.findLast((part) => part !== '') ?? ''
  return path !== '/' && last.length > 1 && last.endsWith('/') ? `${path}/` : path
}
