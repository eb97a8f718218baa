/**
 * Checks an evidence pack without any of the code that made it: only node:crypto and the published formats. Whatever is wrong with
 * one goes into one list, with the file and the entry. Files come from outside: they are bounded, and nothing in them is run.
 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface Problem {
  readonly file: string
  /** Index of the entry, when one can be named. */
  readonly entry: number | null
  readonly says: string
}

export interface Verified {
  /** Nothing is wrong. Says nothing about who signed: see `key`. */
  readonly intact: boolean
  readonly problems: readonly Problem[]
  /**
   * `pinned`: signed by the key that you hold. `pack`: only by the key inside the pack, which whoever made the pack could have
   * chosen. `none`: by neither.
   */
  readonly key: 'pinned' | 'pack' | 'none'
  readonly signer: string | null
  readonly deployment: string | null
  readonly entries: number
  readonly words: { readonly here: number; readonly withheld: number; readonly deleted: number }
  readonly claims: readonly {
    readonly id: string
    readonly says: string
    readonly verdict: string
    readonly because: string
  }[]
}

const BYTES_MAX = 400 * 1024 * 1024
const PROBLEMS_MAX = 100

interface Row {
  index: number
  at: string
  service: string
  kind: string
  subject: string
  payloadHash: string
  leafHash: string
  words: string
  salt?: string
  payload?: string
}

class Findings {
  readonly list: Problem[] = []
  add(file: string, says: string, entry: number | null = null): void {
    if (this.list.length < PROBLEMS_MAX) this.list.push({ file, entry, says })
  }
}

/** `pinned` is the verifier key that you were given on another way than the pack, or null. */
export async function verifyPack(folder: string, pinned: string | null): Promise<Verified> {
  const found = new Findings()
  const files = await readAll(folder, found)
  const inside = keyOf(files.get('log.pub') ?? '')
  const outside = pinned === null ? null : keyOf(pinned)
  if (pinned !== null && !outside) found.add('(the key you gave)', 'It is not a verifier key: name+id+base64.')
  const trusted = pinned === null ? inside : outside
  if (!trusted && pinned === null) found.add('log.pub', 'There is no key to check signatures with.')
  const checkpoint = trusted ? textOfNote('checkpoint', files, trusted, found) : null
  const manifest = trusted ? textOfNote('manifest', files, trusted, found) : null
  const deployment = checkManifest(manifest, files, found)
  const rows = readRows(files.get('entries.ndjson') ?? '', found)
  checkRows(rows, found)
  checkRoot(rows, checkpoint, trusted?.name ?? null, found)
  const claims = checkClaims(files.get('claims.json') ?? '', rows, deployment, found)
  const signed = checkpoint !== null && manifest !== null
  return {
    intact: found.list.length === 0,
    problems: found.list,
    key: signed ? (pinned === null ? 'pack' : 'pinned') : 'none',
    signer: trusted?.name ?? null,
    deployment,
    entries: rows.length,
    words: {
      here: rows.filter((row) => row?.words === 'here').length,
      withheld: rows.filter((row) => row?.words === 'withheld').length,
      deleted: rows.filter((row) => row?.words === 'deleted').length,
    },
    claims,
  }
}

const NAMES = ['entries.ndjson', 'checkpoint', 'claims.json', 'index.html', 'VERIFY.md', 'log.pub', 'manifest']

async function readAll(folder: string, found: Findings): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const name of NAMES) {
    const path = join(folder, name)
    const size = await stat(path).then(
      (entry) => (entry.isFile() ? entry.size : -1),
      () => -1,
    )
    if (size < 0) found.add(name, 'The file is missing.')
    else if (size > BYTES_MAX) found.add(name, 'The file is larger than any pack.')
    else files.set(name, (await readFile(path)).toString('latin1'))
  }
  return files
}

interface Key {
  name: string
  id: string
  key: KeyObject
}

function keyOf(line: string): Key | null {
  const [, name, id, blob] = /^([^ +]{1,200})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})\s*$/.exec(line) ?? []
  const bytes = Buffer.from(blob ?? '', 'base64')
  if (!name || !id || bytes.length !== 33 || bytes[0] !== 1 || bytes.toString('base64') !== blob) return null
  if (sha256(`${name}\n`, bytes).slice(0, 8) !== id) return null
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)])
  return { name, id, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

/** Files are kept as latin1, one character a byte, so that no decoding hides a changed byte. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}

const DASH = Buffer.from('\u2014 ', 'utf8').toString('latin1')

function textOfNote(file: string, files: Map<string, string>, key: Key, found: Findings): string | null {
  const note = files.get(file)
  if (note === undefined) return null
  const cut = note.lastIndexOf(`\n\n${DASH}`)
  if (cut < 0) {
    found.add(file, 'It is not signed.')
    return null
  }
  const text = note.slice(0, cut + 1)
  const lines = note.slice(cut + 2).split('\n')
  if (lines.pop() !== '') found.add(file, 'Something stands after the signature.')
  for (const line of lines) {
    const [, name, blob] = new RegExp(`^${DASH}([^ +]+) ([A-Za-z0-9+/=]+)$`).exec(line) ?? []
    const bytes = Buffer.from(blob ?? '', 'base64')
    if (!name || bytes.toString('base64') !== blob) {
      found.add(file, 'A signature line is malformed.')
      return null
    }
    if (name !== key.name || bytes.subarray(0, 4).toString('hex') !== key.id) continue
    if (verify(null, bytesOf(text), key.key, bytes.subarray(4))) return text
    found.add(file, `The signature of ${name} does not fit: the text was changed, or another key signed it.`)
    return null
  }
  found.add(file, `It is not signed by ${key.name}.`)
  return null
}

function checkManifest(text: string | null, files: Map<string, string>, found: Findings): string | null {
  if (text === null) return null
  const [title, deployment, ...lines] = text.split('\n')
  if (title !== 'holdfast evidence pack' || !deployment) {
    found.add('manifest', 'It is signed, but not as a manifest.')
    return null
  }
  const listed = new Set<string>()
  for (const line of lines.filter(Boolean)) {
    const [, hash, name] = /^([0-9a-f]{64}) {2}([A-Za-z0-9._-]{1,100})$/.exec(line) ?? []
    if (!hash || !name) found.add('manifest', 'A line is malformed.')
    else {
      listed.add(name)
      const content = files.get(name)
      if (content !== undefined && sha256(bytesOf(content)) !== hash)
        found.add(name, 'The file was changed after it was signed.')
    }
  }
  for (const name of NAMES)
    if (name !== 'manifest' && !listed.has(name)) found.add(name, 'The manifest does not list it.')
  return Buffer.from(deployment, 'latin1').toString('utf8')
}

function readRows(text: string, found: Findings): (Row | null)[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.pop() !== '') found.add('entries.ndjson', 'The last line is cut off.', lines.length)
  return lines.map((line, i) => {
    try {
      const row = JSON.parse(bytesOf(line).toString('utf8')) as Row
      const texts = [row.at, row.service, row.kind, row.subject, row.payloadHash, row.leafHash, row.words]
      if (texts.every((value) => typeof value === 'string')) return row
    } catch {
      // Said below, in the same words as for a line of another shape.
    }
    found.add('entries.ndjson', `Line ${i + 1} is not an entry.`, i)
    return null
  })
}

function checkRows(rows: readonly (Row | null)[], found: Findings): void {
  rows.forEach((row, i) => {
    if (!row) return
    const wrong = (says: string) => found.add('entries.ndjson', `Line ${i + 1}: ${says}`, i)
    if (row.index !== i)
      wrong(`it says it is entry ${String(row.index)}, and stands at place ${i}: one was added, removed or moved.`)
    const { at, kind, payloadHash, service, subject } = row
    const leaf = sha256(Uint8Array.of(0), JSON.stringify({ at, kind, payloadHash, service, subject }))
    if (leaf !== row.leafHash) wrong('its time, kind, subject, service or hash was changed.')
    if (row.words === 'here') {
      const held =
        typeof row.salt === 'string' && typeof row.payload === 'string' && /^([0-9a-f]{2}){16,}$/.test(row.salt)
      if (!held || sha256(Buffer.from(row.salt!, 'hex'), row.payload!) !== payloadHash) wrong('its words were changed.')
    } else if (row.words !== 'withheld' && row.words !== 'deleted') {
      wrong('it does not say where its words are.')
    }
  })
}

function checkRoot(
  rows: readonly (Row | null)[],
  checkpoint: string | null,
  name: string | null,
  found: Findings,
): void {
  if (checkpoint === null) return
  const [origin, size, root] = checkpoint.split('\n')
  if (origin !== name) found.add('checkpoint', `It is of the log ${origin}, signed by ${name}.`)
  if (Number(size) !== rows.length) {
    found.add('entries.ndjson', `It has ${rows.length} entries; the signed checkpoint says ${size}.`)
  }
  const computed = rootOf(rows.map((row) => row?.leafHash ?? ''))
  if (Buffer.from(computed, 'hex').toString('base64') !== root) {
    found.add('entries.ndjson', 'The entries together do not have the root that was signed.')
  }
}

/** RFC 6962, level by level: pairs are joined, a lonely last one moves up as it is. */
function rootOf(leaves: readonly string[]): string {
  if (leaves.length === 0) return sha256()
  let level = leaves
  while (level.length > 1) {
    const next: string[] = []
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1]
      next.push(
        right === undefined
          ? level[i]!
          : sha256(Uint8Array.of(1), Buffer.from(level[i]!, 'hex'), Buffer.from(right, 'hex')),
      )
    }
    level = next
  }
  return level[0]!
}

interface ClaimLine {
  id: string
  says: string
  verdict: string
  because: string
  looksAt: { of: string; kinds: string[] }[]
  evidence: { index: number; leafHash: string }[]
}

/** Each claim names where it looked: the same entries must be found there again, no more and no fewer. */
function checkClaims(
  text: string,
  rows: readonly (Row | null)[],
  deployment: string | null,
  found: Findings,
): ClaimLine[] {
  let claims: ClaimLine[]
  try {
    const parsed = JSON.parse(bytesOf(text).toString('utf8')) as { deployment: string; claims: ClaimLine[] }
    claims = parsed.claims
    if (!Array.isArray(claims) || claims.length === 0 || claims.length > 200) throw new Error('no claims')
    if (deployment !== null && parsed.deployment !== deployment)
      found.add('claims.json', 'It is about another deployment than the manifest.')
    const story = storyIn(rows, parsed.deployment)
    for (const claim of claims) checkClaim(claim, story, rows, found)
    return claims.map((claim) => claim)
  } catch {
    if (text !== '') found.add('claims.json', 'It cannot be read.')
    return []
  }
}

interface StoryRow extends Row {
  own: boolean
  inStory: boolean
  requestMeanwhile: boolean
}

function storyIn(rows: readonly (Row | null)[], deployment: string): StoryRow[] {
  const whole = rows.filter((row) => row !== null)
  const own = whole.filter(({ subject }) => subject === deployment)
  const service = own[0]?.service
  const incidents = new Set(
    whole.filter((row) => row.kind === 'incident.opened' && causes(row, deployment)).map(({ subject }) => subject),
  )
  const [first, last] = [own[0]?.index ?? 0, own.at(-1)?.index ?? -1]
  return whole.map((row) => ({
    ...row,
    own: row.subject === deployment,
    inStory: row.service === service && (row.subject === deployment || incidents.has(row.subject)),
    requestMeanwhile:
      row.kind === 'deployment.requested' && row.service === service && row.index >= first && row.index <= last,
  }))
}

function causes(row: Row, deployment: string): boolean {
  if (row.words === 'deleted') return row.subject.startsWith(`inc-${deployment}`)
  if (row.words !== 'here' || row.payload === undefined) return false
  try {
    const { data } = JSON.parse(row.payload) as { data?: { trigger?: { kind?: string; id?: string } } }
    return data?.trigger?.kind === 'deployment' && data.trigger.id === deployment
  } catch {
    return false
  }
}

function checkClaim(
  claim: ClaimLine,
  story: readonly StoryRow[],
  rows: readonly (Row | null)[],
  found: Findings,
): void {
  const expected = story.filter((row) =>
    claim.looksAt.some(({ of, kinds }) => {
      const here =
        of === 'service'
          ? row.requestMeanwhile
          : row.inStory && (of === 'story' || (of === 'deployment' ? row.own : !row.own))
      return here && (kinds.length === 0 || kinds.includes(row.kind))
    }),
  )
  const wrong = (says: string, entry: number | null = null) =>
    found.add('claims.json', `Claim "${claim.id}": ${says}`, entry)
  const named = new Map(claim.evidence.map(({ index, leafHash }) => [index, leafHash]))
  for (const { index, leafHash } of expected) {
    if (!named.has(index)) wrong(`it leaves out entry ${index}.`, index)
    else if (named.get(index) !== leafHash) wrong(`it names entry ${index} with another hash.`, index)
    named.delete(index)
  }
  for (const index of named.keys())
    wrong(`it names entry ${index}, which is ${rows[index] ? 'not about this' : 'not in the log'}.`, index)
  if (claim.verdict === 'proven' && expected.length === 0) wrong('it is called proven, and rests on nothing.')
}

function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
