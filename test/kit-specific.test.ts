/**
 * A kit is made of one service and nothing else: whatever it names as fact (an address, a number to call, a route, a host, a branch of an
 * id) stands in the definition, and no hole is left for somebody to fill in.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadService } from '../src/core/define/load.ts'
import type { Service } from '../src/core/define/schema.ts'
import { render } from '../src/core/kit/file.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const examples = readdirSync(`${root}examples`)
  .filter((folder) => existsSync(`${root}examples/${folder}/service.yaml`))
  .map((folder) => {
    const text = readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8')
    const service = loadService(text, 'service.yaml').service!
    const files = makeKit(sourceOf(service, [])).map((file) => ({ path: file.path, text: render(file) }))
    return { folder, text, service, files }
  })

/** Hosts of the formats and platforms that files are written for; they belong to no service. */
const PLATFORM_HOSTS =
  /(^|\.)(schema\.management\.azure\.com|json-schema\.org|w3\.org|amazonaws\.com|amazon\.com|amazon-linux\.com|github\.com|githubusercontent\.com|grafana\.com|grafana\.net|prometheus\.io|openslo\.com|kubernetes\.io|hashicorp\.com|terraform\.io|opencontainers\.org|nodejs\.org|npmjs\.com|docker\.io|localhost|127\.0\.0\.1)$/

const set = (found: Iterable<string>) => [...new Set(found)]

interface Made {
  readonly path: string
  readonly text: string
}

/** What a kit names that its definition does not, by kind. */
function strangersIn(service: Service, definition: string, files: readonly Made[]) {
  const papers = files.filter(({ path }) => path.endsWith('.md'))
  const own = numbersOf(service)
  const ids = idsOf(service)
  const paths = new Set(files.map(({ path }) => path))
  const raised = new Set(
    files.flatMap(({ path, text }) =>
      path.endsWith('.rules.yml') ? [...text.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name]) => name!) : [],
    ),
  )
  const missing = (
    where: readonly Made[],
    found: (text: string) => readonly string[],
    known: (value: string) => boolean,
  ) =>
    where.flatMap(({ path, text }) =>
      set(found(text))
        .filter((value) => !known(value))
        .map((value) => `${path}: ${value}`),
    )
  const all = (pattern: RegExp) => (text: string) => [...text.matchAll(pattern)].map((found) => found[1] ?? found[0])
  const stated = (value: string) => definition.includes(value)
  return {
    // An action or package is pinned by a commit or a version after its "@".
    addresses: missing(
      files,
      all(/[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g),
      (email) => stated(email) || /@(v?\d|[0-9a-f]{7,})/.test(email),
    ),
    telephones: missing(files, all(/(?<![\d.:-])0(?:800|808|300|345|20|1\d{2,3}) ?\d{3} ?\d{3,4}(?!\d)/g), stated),
    hosts: missing(files, all(/https?:\/\/([\w.-]+)/g), (host) => stated(host) || PLATFORM_HOSTS.test(host)),
    registries: missing(files, all(/\bregistry\.[\w.-]+\.[a-z]+/g), stated),
    routes: missing(files, all(/\b(?:GET|POST|PUT|PATCH|DELETE) (\/[\w:*/.-]*)/g), stated),
    // Words in quotes that look like ids of a definition: lower case, joined by hyphens, at least two parts.
    ids: missing(papers, all(/"([a-z][a-z0-9]*(?:-[a-z0-9]+){1,5})"/g), (id) => ids.has(id) || stated(id)),
    // Names of alerts, as runbooks and guides write them; one that nobody raises sends whoever is on call nowhere.
    alerts: missing(
      papers.filter(({ path }) => path.startsWith('ops/')),
      all(/(?<=`|^- |, )([A-Z][a-z]+(?:[A-Z][a-z0-9]*)+)(?=`|, |: )/gm),
      (alert) => raised.has(alert) || stated(alert),
    ),
    files: missing(papers, all(/ops\/(?:runbooks|comms|alerts|docs|pages|dashboards)\/[\w.-]+\.\w+/g), (path) =>
      paths.has(path),
    ),
    quantities: papers
      .filter(({ path }) => /^(ops\/(runbooks|comms|docs)|\.kiro\/steering|AGENTS)/.test(path))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .flatMap((line) =>
            [
              ...line.matchAll(
                /(?<![\w.,:/-])(\d[\d,]*(?:\.\d+)?) ?(minutes?|min|hours?|h|days?|seconds?|s|ms|%|people|citizens|replicas|times)\b/g,
              ),
            ]
              .filter(([, number, unit]) => !isKnown(own, Number(number!.replaceAll(',', '')), unit!, line))
              .map(([said]) => `${path}: ${said} in "${line.trim().slice(0, 90)}"`),
          ),
      ),
    holes: missing(
      papers,
      all(
        /\[[A-Z][a-z]+[^\][\n]{3,60}\](?!\()|<(?:your|insert|name|service|team)[^>\n]*>|\b(?:TBC|TBD|FIX-?ME|lorem ipsum|example\.com|foo|acme)\b/gi,
      ),
      stated,
    ),
  }
}

for (const { folder, text, service, files } of examples)
  test(`${folder}: everything that the kit names is the service's own, and nobody has to fill in a hole`, () => {
    for (const [what, found] of Object.entries(strangersIn(service, text, files))) assert.deepEqual(found, [], what)
  })

test('a stranger of any kind is noticed', () => {
  const [{ text, service, files }] = examples as [(typeof examples)[number]]
  const planted: Readonly<Record<keyof ReturnType<typeof strangersIn>, string>> = {
    addresses: 'Write to duty@elsewhere.gov.uk.',
    telephones: 'Call 0808 157 9999.',
    hosts: 'See https://status.elsewhere.gov.uk/.',
    registries: 'image: registry.elsewhere.example/web',
    routes: 'POST /elsewhere/submit',
    ids: 'the journey "apply-elsewhere"',
    alerts: 'Who is woken by `ElsewhereFails` begins here.',
    files: 'see `ops/runbooks/elsewhere.md`',
    quantities: 'Call them within 37 minutes.',
    holes: 'Tell [Name of the minister] first.',
  }
  for (const [what, words] of Object.entries(planted)) {
    const with1 = [...files, { path: 'ops/docs/planted.md', text: words }]
    const found = strangersIn(service, text, with1)
    assert.equal(found[what as keyof typeof planted].length, 1, what)
  }
})

/** Ids that stand anywhere in the definition, defaults included, and what is made from them. */
function idsOf(service: Service): Set<string> {
  const ids = new Set<string>()
  const see = (value: unknown): void => {
    if (typeof value === 'string') ids.add(value)
    else if (Array.isArray(value)) value.forEach(see)
    else if (value !== null && typeof value === 'object')
      for (const [key, inner] of Object.entries(value)) {
        ids.add(key)
        see(inner)
      }
  }
  see(service)
  return ids
}

/** Numbers of the definition, those inside of its sentences and durations too. */
function numbersOf(service: Service): Set<number> {
  const numbers = new Set<number>()
  const see = (value: unknown): void => {
    if (typeof value === 'number') numbers.add(value)
    else if (typeof value === 'string')
      for (const [digits] of value.matchAll(/\d[\d,]*(?:\.\d+)?/g)) numbers.add(Number(digits.replaceAll(',', '')))
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(see)
  }
  see(service)
  return numbers
}

/**
 * A quantity is known when the definition has it, in this or a neighbouring unit, or when the line shows how it was computed. What a
 * runbook asks of everybody (ten minutes of silence, five of watching) is boilerplate, and listed here.
 */
function isKnown(own: ReadonlySet<number>, number: number, unit: string, line: string): boolean {
  if (/[=×+≤≥→]/.test(line)) return true
  const scaled = [
    number,
    number / 60,
    number * 60,
    number / 1_000,
    number * 1_000,
    number / 100,
    number * 7,
    number / 7,
  ]
  if (scaled.some((one) => own.has(Number(one.toPrecision(12))))) return true
  const boilerplate = [/not fired for 10 minutes/, /at most 15 minutes/, /in at most 15 min/]
  return boilerplate.some((known) => known.test(line)) || (unit === '%' && [0, 50, 100].includes(number))
}
