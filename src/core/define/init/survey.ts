/**
 * What can be seen of a service in its repository, each with the place where it was seen. Readers look for shapes that mean
 * one thing only; what they cannot tell stays a question for people, and is counted.
 */
import { formatOf } from '../../check/detect.ts'
import type { TreeFile } from '../../check/tree.ts'
import { worldOf } from '../../check/world.ts'
import { readYaml } from '../yaml.ts'
import { cloudSights, kubernetesSights } from './cloud.ts'
import { READERS, scriptGates } from './manifests.ts'
import type { LeftOut } from './routes/mounts.ts'
import { routesIn } from './routes.ts'
import { Book, type Note, type Sight } from './sight.ts'

export type { Note, Sight } from './sight.ts'

export interface Survey {
  readonly sights: readonly Sight[]
  /** What stands there and could not be told, or could not be read. */
  readonly notes: readonly Note[]
  /** Routes that were found and whose path cannot be told. */
  readonly leftOut: readonly LeftOut[]
}

/** Files that `survey` reads, by path. Tests and examples speak of other services. */
export function surveyed(path: string): boolean {
  if (/(^|\/)(tests?|spec|fixtures?|examples?|__tests__|node_modules|docs\/adr)\//i.test(path))
    return /(^|\/)runbooks?\//i.test(path)
  return (
    /\.(ya?ml|json|tf|tfvars|sql|md|xml|gradle|kts|txt|toml|template|tpl|tmpl|tftpl|properties)$/i.test(path) ||
    /(^|\/)(Dockerfile[^/]*|Jenkinsfile[^/]*|Gemfile|Pipfile|Procfile|go\.mod)$/.test(path) ||
    /\.([cm]?js|[cm]?ts|py|rb|ru|java|kt)$/.test(path)
  )
}

/** Formats whose problems are worth a word: what they say decides what runs. */
const TELLING =
  /^(terraform|tfvars|cloudformation|ecs|kubernetes|helm|helm-template|helm-values|compose|github-workflow|prometheus)$/

/** Everything seen, in the order of files. Never throws. */
export function survey(files: readonly TreeFile[]): Survey {
  const book = new Book()
  const local = new Book()
  const docker = files.filter(({ path }) => /(^|\/)Dockerfile[^/]*$/.test(path)).length
  for (const file of files) {
    for (const reader of READERS) {
      if (!reader.when.test(file.path)) continue
      // With several Dockerfiles, nobody says which component each of them is.
      const telling = docker < 2 || !/(^|\/)Dockerfile/.test(file.path)
      reader.read(file, (what, value, line, of) => {
        if (telling || what === 'migrate-on-start')
          (reader.local ? local : book).see(what, value, { file: file.path, line }, of)
      })
    }
  }
  scriptGates(files, (gate, file, line) => book.see('gate', gate, { file, line }))
  const world = worldOf(
    { files: files.filter(({ path }) => !/(^|\/)package(-lock)?\.json$/.test(path)), problems: [] },
    0,
  )
  cloudSights(world, book)
  kubernetesSights(world, book)
  const { routes, leftOut } = routesIn(files)
  for (const route of routes) book.see('route', `${route.method} ${route.path}`, route)
  unread(files, world.problems, book)
  // A platform's own files are believed; without any, what runs on a developer's machine is the best there is.
  const platform = book.sights.some(({ what }) => what === 'component')
  const beside = local.sights.filter(
    ({ what, of }) => !platform || of === undefined || what === 'migrate-on-start' || what === 'queue',
  )
  return { sights: dedupe([...book.sights, ...beside]), notes: book.notes, leftOut: [...leftOut, ...book.leftOut] }
}

function unread(
  files: readonly TreeFile[],
  problems: ReadonlyMap<string, readonly { says: string; line: number }[]>,
  book: Book,
): void {
  for (const { path, text } of files) {
    const format = formatOf(path, text)
    if (!format || !TELLING.test(format)) continue
    const [problem] = problems.get(path) ?? []
    const fault = problem ?? (/^(compose|github-workflow)$/.test(format) ? yamlFault(text) : undefined)
    if (fault) book.note(`The file could not be read from here on: ${fault.says}`, { file: path, line: fault.line })
  }
}

function yamlFault(text: string): { readonly says: string; readonly line: number } | undefined {
  const { value, faults } = readYaml(text, { foreignTags: true })
  return value === undefined && faults[0] ? { says: faults[0].says, line: faults[0].place.line } : undefined
}

function dedupe(sights: readonly Sight[]): readonly Sight[] {
  const seen = new Set<string>()
  return sights.filter((sight) => {
    // A script is a gate only where a pipeline runs it: both places matter.
    const where = sight.what === 'gate' ? String(/(^|\/)package\.json$/.test(sight.file)) : ''
    const key = `${sight.what} ${sight.of ?? ''} ${sight.value} ${where}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
