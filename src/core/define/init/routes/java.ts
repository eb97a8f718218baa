/** Routes of Spring and JAX-RS, in Java and Kotlin: annotations of methods under those of their class and of the application. */
import type { TreeFile } from '../../../check/tree.ts'
import { readYaml } from '../../yaml.ts'
import { Code, type Range } from './code.ts'
import { type Found, joined, type LeftOut, type Prefix, type Route } from './mounts.ts'

const SPRING_METHOD = /^@(Get|Post|Put|Patch|Delete)Mapping$/
const JAX_METHOD = /^@(GET|POST|PUT|PATCH|DELETE)$/
const MODIFIER =
  /^(public|protected|private|final|abstract|static|open|data|internal|suspend|sealed|default|strictfp|synchronized|override)$/
const COMPUTED = 'its path is computed'
const SETTING =
  /^(server\.servlet\.context-path|server\.context-path|spring\.webflux\.base-path|spring\.mvc\.servlet\.path|quarkus\.http\.root-path|quarkus\.(rest|resteasy)\.path)$/

/** An annotation with its bracket, when it has one. */
interface Note {
  readonly name: string
  readonly at: number
  readonly open?: number
}

interface Class {
  readonly notes: readonly Note[]
  readonly body: Range
}

export function javaRoutes(files: readonly TreeFile[]): Found {
  const codes = files
    .filter(({ path, text }) => /\.(java|kt)$/.test(path) && /Mapping\b|@Path\b|@ApplicationPath\b/.test(text))
    .map((file) => new Code(file, 'javascript'))
  const settings = settingsOf(files)
  const applications = codes.flatMap((code) =>
    code.tokens.flatMap((token, i) =>
      token.text === '@ApplicationPath' ? [{ code, path: pathsIn(code, noteAt(code, i)) }] : [],
    ),
  )
  const routes: Route[] = []
  const leftOut: LeftOut[] = []
  for (const code of codes) {
    const classes = classesOf(code)
    const context = settings.get(moduleOf(code.file))
    const application = applications.filter(({ code: other }) => moduleOf(other.file) === moduleOf(code.file))
    code.tokens.forEach((token, i) => {
      const spring = SPRING_METHOD.test(token.text) || token.text === '@RequestMapping'
      if (token.kind !== 'word' || !(spring || JAX_METHOD.test(token.text))) return
      const note = noteAt(code, i)
      const own = classes
        .filter(({ body }) => i > body.from && i < body.to)
        .sort((a, b) => b.body.from - a.body.from)[0]
      // One above a class is its prefix, and no route.
      if (!own) return
      if (classes.some(({ notes }) => notes.some(({ at }) => at === i))) return
      const jax = application.length > 1 ? undefined : (application[0]?.path ?? [''])
      const found = spring ? springRoutes(code, note, own) : jaxRoutes(code, note, own, jax)
      const place = { file: code.file, line: code.line(i) }
      if (typeof found === 'string') leftOut.push({ ...place, why: found })
      else if (context && 'why' in context && found.length > 0) leftOut.push({ ...place, why: context.why })
      else
        for (const { method, path } of found)
          routes.push({ ...place, method, path: joined(context && 'path' in context ? context.path : '', path) })
    })
  }
  return { routes, leftOut }
}

/** A module of a build: what stands before src/. */
function moduleOf(path: string): string {
  return /(^|\/)src\//.test(path) ? path.replace(/(^|\/)src\/.*$/, '') : ''
}

function noteAt(code: Code, at: number): Note {
  return { name: code.word(at), at, ...(code.mark(at + 1) === '(' ? { open: at + 1 } : {}) }
}

function afterNote(code: Code, note: Note): number {
  return note.open === undefined ? note.at + 1 : code.end(note.open) + 1
}

/** The annotations that stand together, from any of them on, and the word after them and after the modifiers. */
function group(code: Code, first: number): { readonly notes: readonly Note[]; readonly next: number } {
  const notes: Note[] = []
  let i = first
  while (i < code.tokens.length && notes.length < 50) {
    if (code.word(i).startsWith('@') && code.word(i) !== '@interface') {
      notes.push(noteAt(code, i))
      i = afterNote(code, notes.at(-1)!)
    } else if (MODIFIER.test(code.word(i))) i++
    else break
  }
  return { notes, next: i }
}

function classesOf(code: Code): readonly Class[] {
  const found: Class[] = []
  for (let i = 0; i < code.tokens.length && found.length < 1_000; i++) {
    const { notes, next } = group(code, i)
    if (/^(class|interface|record|object)$/.test(code.word(next)) && code.word(next + 1)) {
      let open = next + 2
      while (open < code.tokens.length && open < next + 200 && code.mark(open) !== '{' && code.mark(open) !== ';') {
        open = code.mark(open) === '(' ? code.end(open) + 1 : open + 1
      }
      if (code.mark(open) === '{') found.push({ notes, body: { from: open, to: code.end(open) } })
      i = next
    } else if (notes.length > 0) i = Math.max(i, next - 1)
  }
  return found
}

/** The paths that an annotation names; undefined when one is computed. */
function pathsIn(code: Code, note: Note | undefined): readonly string[] | undefined {
  if (note?.open === undefined) return ['']
  const parts = code.parts(note.open)
  const positional = parts.find(({ from }) => code.mark(from + 1) !== '=')
  const given = code.named(note.open, 'value') ?? code.named(note.open, 'path') ?? positional
  if (!given) return ['']
  const listed = /^[{[]$/.test(code.mark(given.from)) ? code.parts(given.from) : [given]
  const paths = listed.map((part) => code.literal(part))
  return paths.some((path) => path === undefined || path.includes('${')) ? undefined : (paths as string[])
}

type Answer = readonly { readonly method: string; readonly path: string }[] | string

function springRoutes(code: Code, note: Note, own: Class): Answer {
  const has = (name: RegExp) => own.notes.some((each) => name.test(each.name))
  // What a client calls is served by somebody else.
  if (has(/^@(FeignClient|HttpExchange)$/)) return []
  if (!has(/^@(RestController|Controller|RepositoryRestController|BasePathAwareController)$/))
    return 'its class is not marked as a controller'
  const outer = pathsIn(
    code,
    own.notes.find(({ name }) => name === '@RequestMapping'),
  )
  const inner = pathsIn(code, note)
  if (!outer) return 'the path of its controller is computed'
  if (!inner) return COMPUTED
  const plain = SPRING_METHOD.exec(note.name)?.[1]
  const methods = plain ? [plain.toUpperCase()] : methodsIn(code, note)
  if (methods.length === 0) return 'it answers every method'
  return outer.flatMap((before) =>
    inner.flatMap((path) => methods.map((method) => ({ method, path: joined(before, path) }))),
  )
}

function methodsIn(code: Code, note: Note): readonly string[] {
  const given = note.open === undefined ? undefined : code.named(note.open, 'method')
  if (!given) return []
  const words: string[] = []
  for (let i = given.from; i < given.to; i++) {
    const method = code.word(i).replace(/^RequestMethod\./, '')
    if (/^(GET|POST|PUT|PATCH|DELETE)$/.test(method)) words.push(method)
  }
  return words
}

function jaxRoutes(code: Code, note: Note, own: Class, application: readonly string[] | undefined): Answer {
  const outer = own.notes.find(({ name }) => name === '@Path')
  if (!outer || own.notes.some(({ name }) => name === '@RegisterRestClient')) return []
  // @Path stands before or after @GET, among annotations of the same method.
  const before = notesBefore(code, note.at)
  const inner = [...before, ...group(code, note.at).notes].find(({ name }) => name === '@Path')
  const [above, within] = [pathsIn(code, outer), pathsIn(code, inner)]
  if (!above || !within) return COMPUTED
  if (!application) return 'several applications set a path of their own'
  return application.flatMap((whole) =>
    above.flatMap((a) => within.map((b) => ({ method: note.name.slice(1), path: joined(whole, a, b) }))),
  )
}

function notesBefore(code: Code, at: number): readonly Note[] {
  for (let from = at - 1; from > at - 60 && from >= 0; from--) {
    if (/[;{}]/.test(code.mark(from)) && !insideNote(code, from, at)) {
      return group(code, from + 1).notes.filter((each) => each.at < at)
    }
  }
  return []
}

/** A brace of `@Path({…})` is not the end of what stands before. */
function insideNote(code: Code, brace: number, at: number): boolean {
  for (let i = brace; i > brace - 20 && i >= 0; i--)
    if (code.mark(i) === '(' && code.end(i) >= brace && code.end(i) < at) return true
  return false
}

/** The path that a whole application is served under, by the folder of its module. Profiles of rehearsals decide nothing. */
function settingsOf(files: readonly TreeFile[]): ReadonlyMap<string, Prefix> {
  const found = new Map<string, Prefix>()
  for (const { path, text } of files) {
    const name = /(^|\/)application(-prod|-production|-live)?\.(properties|ya?ml)$/.exec(path)
    if (!name || text.length > 200_000) continue
    for (const value of name[3] === 'properties' ? properties(text) : yamlSettings(text)) {
      const module = moduleOf(path)
      const before = found.get(module)
      const same = before && 'path' in before && before.path === value
      found.set(
        module,
        value.includes('$') || (before && !same)
          ? { why: 'the path of the whole application is computed, or set twice' }
          : { path: value },
      )
    }
  }
  return found
}

function properties(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const found = /^\s*([\w.-]+)\s*[=:]\s*(\S*)\s*$/.exec(line.slice(0, 500))
    return found && SETTING.test(found[1]!) ? [found[2]!] : []
  })
}

function yamlSettings(text: string): readonly string[] {
  return text.split(/^---\s*$/m).flatMap((part) => flat(readYaml(part, { foreignTags: true }).value, '', 0))
}

function flat(value: unknown, under: string, depth: number): readonly string[] {
  if (typeof value === 'string' && SETTING.test(under)) return [value]
  if (value === null || typeof value !== 'object' || Array.isArray(value) || depth > 6) return []
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, under === '' ? key : `${under}.${key}`, depth + 1))
}
