import type { Rule } from '../../core/check/rule.ts'
import type { Tree } from '../../core/check/tree.ts'
import { EXIT, type ExitCode, OpsError } from '../../core/errors.ts'
import { plural } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

const FORMATS = ['text', 'json', 'sarif', 'github', 'html'] as const

/** `holdfast check`: what in this repository would hurt citizens. Reads files only; changes and sends nothing. */
export const check: Command = {
  name: 'check',
  args: '[paths...]',
  says: 'Says what in this configuration would hurt citizens, and what cannot be told from here.',
  example: 'holdfast check . --format github',
  options: [
    { flags: '--only <rules>', says: 'only these rules, separated by commas' },
    { flags: '--format <format>', says: 'text, json, sarif, github or html', default: 'text' },
    { flags: '--explain <rule>', says: 'say what a rule asks, why, and show good and bad' },
    { flags: '--changed <ref>', says: 'only findings in files that differ from this git ref, for a pull request' },
    { flags: '--baseline <file>', says: 'leave out findings that this file lists' },
    { flags: '--write-baseline <file>', says: 'list the present findings in this file, to start on an old repository' },
    { flags: '--write-sarif <file>', says: 'write SARIF 2.1.0 to this file as well' },
    { flags: '--write-html <file>', says: 'write the report page to this file as well' },
    {
      flags: '--readiness',
      says: 'every box of the playbook’s checkpoints for this service, and its five reflection questions',
    },
    {
      flags: '--hook',
      says: 'judge the file that an agent’s hook names on standard input; writes only its own report',
    },
    {
      flags: '--fail-on <severity>',
      says: 'error or warn: from which severity on the exit code is 1',
      default: 'error',
    },
  ],
  exits: { 1: 'findings of that severity' },
  async run(call) {
    if (call.options.hook === true) return asHook(call)
    const { RULES } = await import('../../core/check/table.ts')
    if (typeof call.options.explain === 'string') return explain(call, call.options.explain)
    const started = performance.now()
    const format = formatOf(call)
    if (call.options.readiness === true) return readiness(call, format)
    const failOn = String(call.options.failOn ?? 'error')
    if (failOn !== 'error' && failOn !== 'warn')
      throw new OpsError('CHECK_FAIL_ON', {
        message: `--fail-on takes error or warn, not ${failOn}.`,
        fix: 'holdfast check --fail-on warn',
        exit: EXIT.usage,
      })
    const rules = chosen(RULES, call.options.only)
    const { judge } = await import('../../core/check/judge.ts')
    const report = judge(await read(call), rules, Date.now())
    const { fingerprints, githubReport, sarifReport, textReport } = await import('../../core/check/report.ts')
    const known = await baseline(call)
    const prints = fingerprints(report.findings)
    if (typeof call.options.writeBaseline === 'string') return writeBaseline(call, call.options.writeBaseline, prints)
    const changed = await changedFiles(call)
    const findings = report.findings.filter(
      ({ file }, i) => !known.has(prints[i]!) && (changed === undefined || changed.has(file)),
    )
    const shown = { ...report, findings }
    const ms = Math.round(performance.now() - started)
    const { VERSION } = await import('../version.ts')
    const { htmlReport } = await import('../../core/check/report-html.ts')
    // Only where somebody vouched: the shape of the document is a promise.
    const claimed = report.claims.length > 0 ? { claims: report.claims } : {}
    const as = {
      json: () => JSON.stringify({ checked: report.checked, findings, ...claimed, rules: report.rules, ms }, null, 1),
      sarif: () => sarifReport(shown, RULES, VERSION),
      html: () => htmlReport(shown, RULES),
      github: () => githubReport(shown),
      text: () => textReport(shown, ms),
    }
    await alsoWrite(call, call.options.writeSarif, as.sarif)
    await alsoWrite(call, call.options.writeHtml, as.html)
    const said = as[format]()
    if (said || format !== 'github') call.io.out(said)
    const bad = findings.some(
      ({ verdict, severity, suppressed }) =>
        verdict === 'fail' && !suppressed && (severity === 'error' || (failOn === 'warn' && severity === 'warn')),
    )
    return bad ? EXIT.no : EXIT.done
  },
}

/** The playbook's checkpoints; exit code 1 when a box says no. */
async function readiness(call: Call, format: (typeof FORMATS)[number]): Promise<ExitCode> {
  const { mayMatter } = await import('../../core/check/detect.ts')
  const { RULES } = await import('../../core/check/table.ts')
  const { judgeWorld } = await import('../../core/check/judge.ts')
  const { worldOf } = await import('../../core/check/world.ts')
  const { loadService } = await import('../../core/define/load.ts')
  const { readinessOf } = await import('../../core/check/readiness/readiness.ts')
  const { readinessHtml, readinessText } = await import('../../core/check/readiness/page.ts')
  // Specifications, messages and templates are documents that no rule reads.
  const tree = await read(call, (path) => mayMatter(path) || /\.(md|txt|html?)$/i.test(path))
  const world = worldOf(tree, Date.now())
  const definition = tree.files.find(({ path }) => path === 'service.yaml') ?? (await definitionOf(call))
  const { service } = definition ? loadService(definition.text, definition.path) : {}
  if (definition && !service)
    call.io.progress(`${definition.path} is not right yet (holdfast define), so it is not used here.`)
  const answer = readinessOf({ world, report: judgeWorld(world, RULES), ...(service ? { service } : {}) })
  if (format === 'json') call.io.out(JSON.stringify(answer, null, 1))
  else call.io.out(format === 'html' ? readinessHtml(answer) : readinessText(answer))
  return answer.no > 0 ? EXIT.no : EXIT.done
}

/** The definition that `--service` names, when it lies outside the folder checked. */
async function definitionOf(call: Call): Promise<{ readonly path: string; readonly text: string } | undefined> {
  const { existsSync, readFileSync } = await import('node:fs')
  return existsSync(call.service) ? { path: call.service, text: readFileSync(call.service, 'utf8') } : undefined
}

/** A pipeline wants annotations, SARIF and a page from one run. */
async function alsoWrite(call: Call, file: unknown, make: () => string): Promise<void> {
  if (typeof file !== 'string') return
  const { resolve } = await import('node:path')
  const { writeFileSync } = await import('node:fs')
  try {
    writeFileSync(resolve(call.io.cwd, file), `${make().trimEnd()}\n`)
  } catch (thrown) {
    throw new OpsError('CHECK_WRITE', {
      message: `The report cannot be written to ${file}.`,
      fix: 'Name a file in a folder that exists and may be written to.',
      exit: EXIT.usage,
      cause: thrown,
    })
  }
}

/** The same as `bin/holdfast.js` runs from its bundle. */
async function asHook(call: Call): Promise<ExitCode> {
  const { readFileSync } = await import('node:fs')
  const { runHook } = await import('../hook.ts')
  return runHook({ io: call.io, input: readFileSync(0, 'utf8'), state: call.state, now: Date.now() })
}

function formatOf(call: Call): (typeof FORMATS)[number] {
  if (call.json) return 'json'
  const asked = String(call.options.format ?? 'text')
  const known = FORMATS.find((format) => format === asked)
  if (known) return known
  throw new OpsError('CHECK_FORMAT', {
    message: `There is no report format ${asked}.`,
    fix: `one of ${FORMATS.join(', ')}`,
    exit: EXIT.usage,
  })
}

function chosen(rules: readonly Rule[], only: unknown): readonly Rule[] {
  if (typeof only !== 'string') return rules
  return only
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean)
    .map((id) => ruleNamed(rules, id))
}

function ruleNamed(rules: readonly Rule[], id: string): Rule {
  const found = rules.find((rule) => rule.id === id)
  if (found) return found
  const near = rules.map((rule) => rule.id).filter((known) => known.includes(id) || id.includes(known))
  throw new OpsError('CHECK_RULE', {
    message: `There is no rule ${id}.`,
    fix: near.length > 0 ? near.slice(0, 5).join(', ') : 'docs/reference/rules.md lists them',
    exit: EXIT.usage,
  })
}

async function explain(call: Call, id: string): Promise<ExitCode> {
  const { RULES } = await import('../../core/check/table.ts')
  const { explainRule } = await import('../../core/check/report.ts')
  const rule = ruleNamed(RULES, id)
  if (call.json) {
    const { check: _, ...row } = rule
    call.io.out(JSON.stringify(row, null, 1))
  } else call.io.out(explainRule(rule))
  return EXIT.done
}

/** The files under the paths of the call, or under the working folder. */
export async function read(call: Call, matters?: (path: string) => boolean) {
  const { resolve } = await import('node:path')
  const { readTree } = await import('../../adapters/tree/read.ts')
  const paths = (call.args.length > 0 ? call.args : ['.']).map((path) => resolve(call.io.cwd, path))
  try {
    return await lookBack(readTree(paths, call.io.cwd, matters), paths)
  } catch (thrown) {
    const missing = (thrown as { path?: unknown }).path
    throw new OpsError('CHECK_PATH', {
      message: `There is nothing to read at ${typeof missing === 'string' ? missing : call.args.join(', ')}.`,
      fix: 'holdfast check .',
      exit: EXIT.usage,
      cause: thrown,
    })
  }
}

/** Asks git what the running release uses, when a migration of the tree is there to break it. */
async function lookBack(tree: Tree, paths: readonly string[]): Promise<Tree> {
  const [root] = paths
  const { statSync } = await import('node:fs')
  if (paths.length !== 1 || root === undefined || !statSync(root).isDirectory()) return tree
  const { formatOf } = await import('../../core/check/detect.ts')
  const isMigration = (file: Tree['files'][number]) =>
    /^(sql|migration-code|liquibase)$/.test(formatOf(file.path, file.text) ?? '')
  if (!tree.files.some(isMigration)) return tree
  const { worldOf } = await import('../../core/check/world.ts')
  const { namesToSearch } = await import('../../core/check/pending.ts')
  const { withUses } = await import('../../adapters/tree/history.ts')
  return withUses(tree, root, namesToSearch(worldOf(tree, 0)))
}

/** The files that `--changed` names, relative to the folder checked; undefined without the option. */
async function changedFiles(call: Call): Promise<ReadonlySet<string> | undefined> {
  const ref = call.options.changed
  if (typeof ref !== 'string') return undefined
  const { resolve } = await import('node:path')
  const { changedSince } = await import('../../adapters/tree/history.ts')
  const root = call.args.length === 1 ? resolve(call.io.cwd, call.args[0]!) : call.io.cwd
  const changed = changedSince(root, ref)
  if (changed) return changed
  throw new OpsError('CHECK_CHANGED', {
    message: `git cannot say what differs from ${ref} here.`,
    fix: 'holdfast check . --changed origin/main',
    exit: EXIT.usage,
  })
}

async function baseline(call: Call): Promise<ReadonlySet<string>> {
  if (typeof call.options.baseline !== 'string') return new Set()
  const { resolve } = await import('node:path')
  const { readFileSync } = await import('node:fs')
  try {
    const listed: unknown = JSON.parse(readFileSync(resolve(call.io.cwd, call.options.baseline), 'utf8'))
    const prints = (listed as { fingerprints?: unknown }).fingerprints
    if (Array.isArray(prints)) return new Set(prints.map(String))
  } catch {
    // Said below: a missing and a broken baseline need the same step.
  }
  throw new OpsError('CHECK_BASELINE', {
    message: `${call.options.baseline} is not a baseline.`,
    fix: `holdfast check --write-baseline ${call.options.baseline}`,
    exit: EXIT.usage,
  })
}

async function writeBaseline(call: Call, file: string, fingerprints: readonly string[]): Promise<ExitCode> {
  const { resolve } = await import('node:path')
  const { writeFileSync } = await import('node:fs')
  writeFileSync(
    resolve(call.io.cwd, file),
    `${JSON.stringify({ version: 1, fingerprints: [...fingerprints].sort() }, null, 1)}\n`,
  )
  call.io.progress(
    `${plural(fingerprints.length, 'finding')} listed in ${file}; from now on only new ones are reported.`,
  )
  return EXIT.done
}
