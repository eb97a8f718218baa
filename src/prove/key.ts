/** The key that signs what the log says: in the state folder, readable by its owner only. The public half stands beside it. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpsError } from '../core/errors.ts'
import { type Signer, verifierKeyOf } from '../core/prove/note.ts'

const FILE = 'log.key'
/** What to hand to an auditor, once, outside of any pack. */
export const PUBLIC_FILE = 'log.pub'

/** Made when first asked for. The file holds one line: the log's name, a space, the seed as hex. */
export async function logKey(state: string): Promise<Signer> {
  const folder = join(state, 'keys')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const known = await readFile(join(folder, FILE), 'utf8').catch(() => null)
  const signer = known === null ? await makeKey(folder) : parse(known, folder)
  await writeFile(join(folder, PUBLIC_FILE), `${verifierKeyOf(signer)}\n`)
  return signer
}

/** The public key kept in the state folder; null when there is none. */
export async function pinnedKey(state: string): Promise<string | null> {
  const text = await readFile(join(state, 'keys', PUBLIC_FILE), 'utf8').catch(() => null)
  return text === null ? null : text.trim()
}

async function makeKey(folder: string): Promise<Signer> {
  const path = join(folder, FILE)
  const fresh = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(fresh, `holdfast-${randomBytes(4).toString('hex')}/log ${randomBytes(32).toString('hex')}\n`, {
    mode: 0o600,
  })
  // A link is made whole or not at all: when two processes make a key at the same time, one wins and both use it.
  await link(fresh, path).catch(() => {})
  await rm(fresh)
  return parse(await readFile(path, 'utf8'), folder)
}

function parse(line: string, folder: string): Signer {
  const [, name, seed] = /^([^ +\n]{1,200}) ([0-9a-f]{64})\n?$/.exec(line) ?? []
  if (!name || !seed) {
    throw new OpsError('LOG_KEY_BROKEN', {
      message: `The log's key in ${folder} cannot be read.`,
      fix: `Restore ${join(folder, FILE)} from your backup. Removing it makes a new key, which auditors have to be told.`,
    })
  }
  return { name, seed: Buffer.from(seed, 'hex') }
}
