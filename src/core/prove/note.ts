/**
 * Signed notes and checkpoints as C2SP specifies them (signed-note, tlog-checkpoint), so that anybody's tools can check ours.
 *
 *   checkpoint = origin "\n" size "\n" base64(root) "\n"          note = text "\n" "— " name " " base64(keyID ‖ signature) "\n"
 *   keyID      = SHA-256(name ‖ "\n" ‖ 0x01 ‖ public key), first four bytes; 0x01 is Ed25519
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

const ED25519 = 0x01
/** DER around a raw Ed25519 key (RFC 8410). */
const PUBLIC_DER = Buffer.from('302a300506032b6570032100', 'hex')
const PRIVATE_DER = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface Signer {
  /** Name of the log: no space, no plus sign. */
  readonly name: string
  /** The 32 bytes of an Ed25519 private key. */
  readonly seed: Uint8Array
}

/** Who is trusted, as one line: `name+keyID+base64(0x01 ‖ public key)`. */
export type VerifierKey = string

export function publicKeyOf(seed: Uint8Array): Buffer {
  return rawOf(createPublicKey(privateKey(seed)))
}

export function keyIdOf(name: string, publicKey: Uint8Array, type: number = ED25519): string {
  return createHash('sha256')
    .update(`${name}\n`)
    .update(Uint8Array.of(type))
    .update(publicKey)
    .digest('hex')
    .slice(0, 8)
}

export function verifierKeyOf({ name, seed }: Signer): VerifierKey {
  const key = publicKeyOf(seed)
  return `${name}+${keyIdOf(name, key)}+${Buffer.concat([Uint8Array.of(ED25519), key]).toString('base64')}`
}

/** `text` ends with a line feed. */
export function signNote(text: string, signer: Signer): string {
  const id = Buffer.from(keyIdOf(signer.name, publicKeyOf(signer.seed)), 'hex')
  const signature = sign(null, Buffer.from(text), privateKey(signer.seed))
  return `${text}\n\u2014 ${signer.name} ${Buffer.concat([id, signature]).toString('base64')}\n`
}

/** The text, when the key has signed it; else why not. Signatures of other keys are passed over, as the specification asks. */
export function openNote(note: string, key: VerifierKey): { readonly text: string } | { readonly refused: string } {
  const cut = note.lastIndexOf('\n\n\u2014 ')
  if (cut < 0 || note.length > 1_000_000) return { refused: 'This is not a signed note.' }
  const text = note.slice(0, cut + 1)
  const trusted = parseKey(key)
  if (!trusted) return { refused: 'The key is not a verifier key.' }
  for (const line of note
    .slice(cut + 2)
    .split('\n')
    .filter(Boolean)
    .slice(0, 100)) {
    const [, name, blob] = /^\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
    if (!name || !blob) return { refused: 'A signature line is malformed.' }
    const bytes = Buffer.from(blob, 'base64')
    // Base64 has spare bits at its end: only one way of writing a signature is accepted, so that no byte can be changed.
    if (bytes.toString('base64') !== blob) return { refused: 'A signature line is malformed.' }
    if (name !== trusted.name || bytes.subarray(0, 4).toString('hex') !== trusted.id) continue
    const holds = verify(null, Buffer.from(text), trusted.key, bytes.subarray(4))
    return holds ? { text } : { refused: `The signature of ${name} does not fit the text.` }
  }
  return { refused: `It is not signed by ${trusted.name}.` }
}

export interface Checkpoint {
  readonly origin: string
  readonly size: number
  /** Hex. */
  readonly root: string
}

export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root, 'hex').toString('base64')}\n`
}

export function parseCheckpoint(text: string): Checkpoint | null {
  const [origin, size, root, ...rest] = text.split('\n')
  if (!origin || !/^(0|[1-9]\d{0,15})$/.test(size ?? '') || rest.length !== 1 || rest[0] !== '') return null
  const bytes = Buffer.from(root ?? '', 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== root) return null
  return { origin, size: Number(size), root: bytes.toString('hex') }
}

function parseKey(line: VerifierKey): { name: string; id: string; key: KeyObject } | null {
  const [, name, id, blob] = /^([^ +]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(line.trim()) ?? []
  const bytes = Buffer.from(blob ?? '', 'base64')
  if (!name || !id || bytes.length !== 33 || bytes[0] !== ED25519) return null
  const raw = bytes.subarray(1)
  if (keyIdOf(name, raw) !== id) return null
  return { name, id, key: createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' }) }
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_DER, seed]), format: 'der', type: 'pkcs8' })
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.length)
}
