/**
 * Writes the evidence of one deployment as a folder that anybody can check without us:
 *
 *   index.html       to read and to print
 *   claims.json      the same claims for machines, each with its entries
 *   entries.ndjson   the whole log, one entry a line; words only of this deployment's story
 *   checkpoint       the log's size and root, signed
 *   manifest         hash of every file above, signed
 *   log.pub          the public key, to compare with the one you were given
 *   VERIFY.md        how to check, in words
 *
 * The whole log is in it, so that nothing can be left out unseen; words of other deployments stay at home.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpsError } from '../core/errors.ts'
import { type Claim, claimsOf, NOT_CLAIMED } from '../core/prove/claims.ts'
import { checkpointText, type Signer, signNote, verifierKeyOf } from '../core/prove/note.ts'
import { treeRoot } from '../core/prove/proof.ts'
import { type Story, storyOf } from '../core/prove/story.ts'
import { type Instant, isoOf } from '../core/time.ts'
import type { LogRow, Store } from '../ports/store.ts'
import { packPage } from './page.ts'

export interface Pack {
  readonly folder: string
  readonly deployment: string
  readonly size: number
  readonly root: string
  readonly claims: readonly Claim[]
  readonly files: readonly string[]
}

// A pack holds the whole log; beyond this it would not be opened by hand any more (about 150 MB).
const ENTRIES_MAX = 500_000
const PAGE = 5_000

export async function writePack(store: Store, deployment: string, folder: string, signer: Signer): Promise<Pack> {
  const head = await store.head()
  if (head.size > ENTRIES_MAX) {
    throw new OpsError('LOG_TOO_LONG', {
      message: `The log has ${head.size} entries; a pack holds at most ${ENTRIES_MAX}.`,
      fix: 'Start a new log for the new year, and keep the old database for its packs.',
    })
  }
  const rows = await wholeLog(store, head.size)
  const story = storyOf(rows, deployment)
  if (!story) {
    throw new OpsError('NO_SUCH_DEPLOYMENT', {
      message: `The log knows no deployment ${deployment}.`,
      fix: 'holdfast prove log',
    })
  }
  const root = treeRoot(rows.map(({ leafHash }) => leafHash))
  if (root !== head.root) {
    throw new OpsError('LOG_BROKEN', {
      message: 'The log does not fit its own root: entries were changed in the database.',
      fix: 'Keep the database as it is, tell whoever is responsible for security, and compare with your last pack.',
    })
  }
  const claims = claimsOf(story)
  const madeAt = await store.now()
  const files = filesOf({ rows, story, claims, root, madeAt, signer })
  await mkdir(folder, { recursive: true })
  for (const [name, text] of files) await writeFile(join(folder, name), text)
  return { folder, deployment, size: rows.length, root, claims, files: files.map(([name]) => name) }
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

interface Made {
  readonly rows: readonly LogRow[]
  readonly story: Story
  readonly claims: readonly Claim[]
  readonly root: string
  readonly madeAt: Instant
  readonly signer: Signer
}

function filesOf(made: Made): [string, string][] {
  const { rows, story, claims, root, madeAt, signer } = made
  const shown = new Set([...story.entries, ...story.requests].map(({ index }) => index))
  const key = verifierKeyOf(signer)
  const files: [string, string][] = [
    ['entries.ndjson', rows.map((row) => `${JSON.stringify(lineOf(row, shown.has(row.index)))}\n`).join('')],
    ['checkpoint', signNote(checkpointText({ origin: signer.name, size: rows.length, root }), signer)],
    [
      'claims.json',
      `${JSON.stringify({ deployment: story.deployment, service: story.service, incidents: story.incidents, madeAt: isoOf(madeAt), size: rows.length, root, claims, notClaimed: NOT_CLAIMED }, null, 1)}\n`,
    ],
    ['index.html', packPage({ story, claims, root, size: rows.length, madeAt, key })],
    ['VERIFY.md', verifyWords(story.deployment, key)],
    ['log.pub', `${key}\n`],
  ]
  const lines = files.map(([name, text]) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`)
  files.push(['manifest', signNote(`holdfast evidence pack\n${story.deployment}\n${lines.join('')}`, signer)])
  return files
}

/** `words`: "here", or why not: "withheld" (another story), "deleted" (nobody has them any more). */
function lineOf(row: LogRow, isShown: boolean): Record<string, unknown> {
  const { index, at, service, kind, subject, payload, salt, payloadHash, leafHash } = row
  const words = payload === null ? 'deleted' : isShown ? 'here' : 'withheld'
  const sealed = { index, at: isoOf(at), service, kind, subject, payloadHash, leafHash, words }
  return words === 'here' ? { ...sealed, salt, payload } : sealed
}

function verifyWords(deployment: string, key: string): string {
  return `# How to check this evidence

This folder is about deployment \`${deployment}\`. You do not need to trust the people who made it, nor the machine it came from.

## With the tool

\`\`\`sh
holdfast prove verify . --key log.pub.that-you-were-given
\`\`\`

The key has to come to you on another way than this folder, once, for instance on paper. Whoever can change the folder could change the
key inside it too. The key in this folder is:

    ${key}

## By hand

Any program that knows SHA-256 and Ed25519 can do it.

1. Each line of \`entries.ndjson\` is one entry. Where \`words\` is "here", \`payloadHash\` is SHA-256 of the salt (as bytes) followed by
   \`payload\` (as UTF-8).
2. \`leafHash\` is SHA-256 of a zero byte followed by this text, keys in this order and no spaces:
   \`{"at":…,"kind":…,"payloadHash":…,"service":…,"subject":…}\`
3. The root of all leaves is built as in RFC 6962: SHA-256 of a byte 1, the left and the right hash; split at the largest power of two
   below the number of leaves.
4. \`checkpoint\` says how many entries there are and what their root is. Its signature line is a C2SP signed note: base64 of four bytes
   of key id and an Ed25519 signature over everything above the empty line.
5. \`manifest\` holds the SHA-256 of every other file, signed in the same way (\`sha256sum -c\` reads its lines).
6. \`claims.json\` names for each claim the kinds of entries it rests on (\`looksAt\`) and the entries found (\`evidence\`).

## What this cannot show

${NOT_CLAIMED.map((line) => `* ${line}`).join('\n')}
`
}
