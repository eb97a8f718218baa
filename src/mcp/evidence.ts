/** `evidence_for_deploy`: what the log proves about one deployment, claim by claim, and how to check it without us. */
import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { claimsOf, NOT_CLAIMED } from '../core/prove/claims.ts'
import { treeRoot } from '../core/prove/proof.ts'
import { storyOf } from '../core/prove/story.ts'
import { isoOf } from '../core/time.ts'
import { countOf, plural } from '../core/words.ts'
import type { LogRow, Store } from '../ports/store.ts'
import { answered, cannotTell, clipped, common, READ_ONLY } from './answer.ts'
import type { Desk } from './desk.ts'

/** Entries that are read into memory for one answer; beyond it `holdfast prove pack` does it. */
const ENTRIES_MAX = 50_000
const PAGE = 5_000
const STORY_MAX = 25

const input = z.object({
  deployment: z
    .string()
    .regex(/^[\w.:-]{1,120}$/)
    .optional()
    .describe('The deployment’s id, such as dep-r3-1a2b3c4d. Absent: the newest'),
})

const output = z.object({
  ...common,
  deployment: z.string().optional(),
  claims: z
    .array(
      z.object({
        id: z.string(),
        says: z.string(),
        verdict: z.enum(['proven', 'not proven', 'contradicted', 'not applicable']),
        because: z.string(),
        entries: z.array(z.number().int()).describe('Entries of the log it rests on'),
      }),
    )
    .optional(),
  story: z
    .array(
      z.object({
        entry: z.number().int(),
        at: z.string(),
        kind: z.string(),
        who: z.string().optional(),
        why: z.string().optional(),
      }),
    )
    .optional(),
  leftOff: z.number().int().optional().describe('Entries of the story beyond those shown'),
  root: z.string().optional().describe('Root of the log that the entries stand under'),
  size: z.number().int().optional().describe('Entries in the log'),
  notClaimed: z.array(z.string()).optional().describe('What this evidence does not speak of'),
})

export function registerEvidence(server: McpServer, desk: Desk): void {
  server.registerTool(
    'evidence_for_deploy',
    {
      title: 'Evidence for a deployment',
      description:
        'What the audit log proves about one deployment: each claim with its verdict and the entries it rests on. "Not proven" means that nobody wrote it down.',
      inputSchema: input,
      outputSchema: output,
      annotations: READ_ONLY,
    },
    async ({ deployment }) => {
      const asked = await desk.store((store) => evidenceFrom(store, deployment))
      return asked.known ? asked.value : cannotTell(asked)
    },
  )
}

async function evidenceFrom(store: Store, wanted: string | undefined) {
  const head = await store.head()
  if (head.size > ENTRIES_MAX)
    return answered({
      verdict: 'cannot-tell' as const,
      says: `The log has ${countOf(head.size)} entries; from here at most ${countOf(ENTRIES_MAX)} are read.`,
      needs: 'an evidence pack: holdfast prove pack ID',
    })
  const id = wanted ?? (await store.list({ kind: 'deployment', limit: 1 }))[0]?.id
  const rows = await wholeLog(store, head.size)
  const story = id === undefined ? null : storyOf(rows, id)
  if (id === undefined || !story)
    return answered({
      verdict: 'cannot-tell' as const,
      says: id === undefined ? 'The log knows no deployment yet.' : `The log knows no deployment ${id}.`,
      needs: 'the id of a deployment; holdfast prove log shows them',
    })
  const sound = treeRoot(rows.map(({ leafHash }) => leafHash)) === head.root
  const claims = claimsOf(story).map(({ id: claim, says, verdict, because, evidence }) => ({
    id: claim,
    says,
    verdict,
    because: clipped(because, 500),
    entries: evidence.slice(0, 50).map(({ index }) => index),
  }))
  const told = story.entries.slice(-STORY_MAX).map(({ index, at, kind, who, why }) => ({
    entry: index,
    at: isoOf(at),
    kind,
    ...(who === null ? {} : { who }),
    ...(why === null ? {} : { why: clipped(why, 400) }),
  }))
  const data = {
    deployment: id,
    claims,
    story: told,
    leftOff: story.entries.length - told.length,
    root: head.root,
    size: head.size,
    notClaimed: [...NOT_CLAIMED],
  }
  const lines = [
    ...claims.map(({ says, verdict, because }) => `- ${verdict}: ${says} ${because}`),
    '',
    ...told.map(
      ({ entry, at, kind, who, why }) => `${entry}  ${at}  ${kind}  ${who ?? ''}  ${why ?? 'its words were deleted'}`,
    ),
    '',
    `Log of ${plural(head.size, 'entry', 'entries')}, root ${head.root}. To check without us: holdfast prove pack ${id} --out evidence, then holdfast prove verify evidence`,
  ]
  if (!sound)
    return answered(
      {
        ...data,
        verdict: 'no' as const,
        says: 'The log does not fit its own root: entries were changed in the database. Keep it as it is, and tell whoever is responsible for security.',
      },
      lines,
    )
  const against = claims.filter(({ verdict }) => verdict === 'contradicted')
  const open = claims.filter(({ verdict }) => verdict === 'not proven')
  const proven = claims.filter(({ verdict }) => verdict === 'proven').length
  const says = `${id}: ${proven} of ${claims.length} claims proven, ${open.length} not proven, ${against.length} contradicted.`
  if (against.length > 0) return answered({ ...data, verdict: 'no' as const, says }, lines)
  if (open.length > 0)
    return answered(
      { ...data, verdict: 'cannot-tell' as const, says, needs: open.map((claim) => claim.says).join(' ') },
      lines,
    )
  return answered({ ...data, verdict: 'yes' as const, says }, lines)
}

async function wholeLog(store: Store, size: number): Promise<LogRow[]> {
  const rows: LogRow[] = []
  while (rows.length < size) {
    const more = await store.log(rows.length, Math.min(PAGE, size - rows.length))
    if (more.length === 0) break
    rows.push(...more)
  }
  return rows
}
