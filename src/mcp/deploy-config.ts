/** `check_deploy_config`: what in a file, as it stands or as it is about to be written, would hurt citizens. */
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { mayMatter } from '../core/check/detect.ts'
import type { Tree } from '../core/check/tree.ts'
import type { Finding } from '../core/errors.ts'
import { plural } from '../core/words.ts'
import { answered, clipped, common, READ_ONLY } from './answer.ts'
import { type Desk, insideOf } from './desk.ts'

/** Findings in one answer; the worst come first, the rest is counted. */
const FINDINGS_MAX = 20
const TEXT_CHARACTERS_MAX = 400_000

const input = z.object({
  path: z
    .string()
    .min(1)
    .max(1_000)
    .optional()
    .describe('File or folder, relative to the repository. Absent: the whole repository'),
  text: z
    .string()
    .max(TEXT_CHARACTERS_MAX)
    .optional()
    .describe(
      'What is about to be written to `path`; it is judged in place of what stands there, and nothing is written',
    ),
})

const output = z.object({
  ...common,
  findings: z.array(
    z.object({
      rule: z.string(),
      verdict: z.enum(['fail', 'cannot-tell']),
      severity: z.enum(['error', 'warn', 'info']),
      at: z.string().describe('file:line'),
      says: z.string(),
      harm: z.string().describe('What it does to citizens'),
      fix: z.string(),
      needs: z.string().optional(),
    }),
  ),
  leftOff: z.number().int().describe('Findings beyond those shown'),
  files: z.number().int().describe('Files that rules looked at under the path'),
})

export function registerDeployConfig(server: McpServer, desk: Desk): void {
  server.registerTool(
    'check_deploy_config',
    {
      title: 'Check deployment configuration',
      description:
        'What in a pipeline, container, infrastructure, migration, alert or runbook file would hurt citizens. Give `text` to judge a change before it is written.',
      inputSchema: input,
      outputSchema: output,
      annotations: READ_ONLY,
    },
    async ({ path, text }) => checkedConfig(desk, path, text),
  )
}

async function checkedConfig(desk: Desk, path: string | undefined, text: string | undefined) {
  const none = { findings: [], leftOff: 0, files: 0 }
  const inside = path === undefined || path === '.' ? '' : insideOf(desk.root, path)
  if (inside === undefined)
    return answered({
      ...none,
      verdict: 'cannot-tell' as const,
      says: 'That path lies outside of this repository, and is not read.',
      needs: 'a path inside the repository',
    })
  if (text !== undefined && inside === '')
    return answered({
      ...none,
      verdict: 'cannot-tell' as const,
      says: 'It is not said which file the text is for; rules go by the place and name of a file.',
      needs: 'path',
    })
  // Rules are loaded when they are first asked for, so that an agent's session does not wait for them.
  const [{ judge }, { RULES }] = await Promise.all([import('../core/check/judge.ts'), import('../core/check/table.ts')])
  const report = judge(await withHistory(desk, withText(desk.tree(), inside, text)), RULES, desk.now())
  const under = (file: string) => inside === '' || file === inside || file.startsWith(`${inside}/`)
  const checked = report.checked.filter(({ file }) => under(file))
  const findings = report.findings.filter(({ file, suppressed }) => under(file) && !suppressed)
  const shown = findings.slice(0, FINDINGS_MAX).map(shownOf)
  const data = { findings: shown, leftOff: findings.length - shown.length, files: checked.length }
  const lines = shown.map(linesOf)
  const failed = findings.filter(({ verdict }) => verdict === 'fail')
  if (failed.length > 0)
    return answered(
      { ...data, verdict: 'no' as const, says: failedWords(failed, findings.length - failed.length) },
      lines,
    )
  const [open] = findings
  if (open)
    return answered(
      {
        ...data,
        verdict: 'cannot-tell' as const,
        says: `${plural(findings.length, 'question')} cannot be settled from here.`,
        needs: open.needs ?? open.fix,
      },
      lines,
    )
  if (checked.length === 0)
    return answered({
      ...data,
      verdict: 'cannot-tell' as const,
      says:
        inside === ''
          ? 'No file here is of a kind that a rule reads.'
          : `No rule reads ${inside}: it is not there, or of a kind that is not known.`,
      needs: 'a pipeline, container, infrastructure, migration, alert or runbook file',
    })
  return answered({
    ...data,
    verdict: 'yes' as const,
    says: `${plural(checked.length, 'file')} checked against ${report.rules} rules: nothing found that would hurt citizens.`,
  })
}

function failedWords(failed: readonly Finding[], open: number): string {
  const errors = failed.filter(({ severity }) => severity === 'error').length
  return `${plural(failed.length, 'finding')}, ${errors} of them ${errors === 1 ? 'an error' : 'errors'}${open > 0 ? `; ${plural(open, 'question')} cannot be settled from here` : ''}.`
}

function shownOf({ rule, verdict, severity, file, line, says, harm, fix, needs }: Finding) {
  return {
    rule,
    verdict,
    severity,
    at: `${file}:${line}`,
    says: clipped(says, 600),
    harm: clipped(harm, 400),
    fix: clipped(fix, 600),
    ...(needs === undefined ? {} : { needs: clipped(needs, 300) }),
  }
}

function linesOf({ rule, verdict, severity, at, says, harm, fix, needs }: ReturnType<typeof shownOf>): string {
  const rest = verdict === 'fail' ? `For citizens: ${harm}\n  Fix: ${fix}` : `Needed: ${needs ?? fix}`
  return `- ${at} ${verdict === 'fail' ? severity : 'cannot tell'} [${rule}] ${says}\n  ${rest}`
}

/** The tree with one file as it is about to be. */
function withText(tree: Tree, path: string, text: string | undefined): Tree {
  if (text === undefined || !mayMatter(path)) return tree
  const files = [...tree.files.filter((file) => file.path !== path), { path, text }]
  return { ...tree, files: files.sort((a, b) => (a.path < b.path ? -1 : 1)) }
}

/** Asks git what the running release uses, when a migration of the tree may break it. */
async function withHistory(desk: Desk, tree: Tree): Promise<Tree> {
  if (!tree.files.some((file) => file.path.endsWith('.sql'))) return tree
  const [{ withUses }, { namesToSearch }, { worldOf }] = await Promise.all([
    import('../adapters/tree/history.ts'),
    import('../core/check/pending.ts'),
    import('../core/check/world.ts'),
  ])
  return withUses(tree, desk.root, namesToSearch(worldOf(tree, 0)))
}
