/**
 * What the gateway keeps in its state folder, so that it comes back alone:
 *   gateway.json  highest epoch obeyed, last configuration, batch numbers that may have been used
 *   seat.key      the key that signs seats, 256 random bits, readable by its owner only
 *   batches.json  batches not yet too old, written when the gateway is stopped in order; read once
 * Each file is replaced as a whole and flushed to the disk before it counts.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { messageOf, OpsError } from '../core/errors.ts'
import { Ring } from '../core/traffic/ring.ts'
import type { TrafficConfig } from '../ports/traffic.ts'
import { readConfig } from './config.ts'

// Numbers are reserved in blocks, so that the disk is written every few minutes, not five times a second.
const RESERVED = 1_000

interface Kept {
  readonly epochSeen: number
  readonly seqReserved: number
  readonly config: TrafficConfig | null
}

export class Disk {
  readonly #folder: string
  #kept: Kept

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#kept = readKept(join(folder, 'gateway.json'))
  }

  get config(): TrafficConfig | null {
    return this.#kept.config
  }

  get epochSeen(): number {
    return this.#kept.epochSeen
  }

  /** Throws when it cannot be written: then nothing has changed. */
  keepConfig(config: TrafficConfig): void {
    this.#keep({ ...this.#kept, config, epochSeen: Math.max(this.#kept.epochSeen, config.epoch) })
  }

  keepEpoch(epoch: number): void {
    if (epoch > this.#kept.epochSeen) this.#keep({ ...this.#kept, epochSeen: epoch })
  }

  /** Makes sure that numbers up to `seq` and some more count as used after a crash. */
  reserve(seq: number): void {
    if (seq >= this.#kept.seqReserved) this.#keep({ ...this.#kept, seqReserved: seq + RESERVED })
  }

  /** The batches of the last life when it ended in order; else an empty ring that begins after every number of that life. */
  openRing(): Ring {
    const file = join(this.#folder, 'batches.json')
    try {
      const { seq, batches } = JSON.parse(readFileSync(file, 'utf8')) as { seq: number; batches: Ring['batches'] }
      rmSync(file)
      if (Number.isSafeInteger(seq) && Array.isArray(batches)) return new Ring(seq, undefined, batches)
    } catch {
      // None, or unreadable: then evidence was lost, and the jump in numbers says so.
    }
    return new Ring(this.#kept.seqReserved)
  }

  keepRing(ring: Ring): void {
    replaceFile(this.#folder, 'batches.json', JSON.stringify({ seq: ring.seq, batches: ring.batches }))
  }

  key(): Buffer {
    const file = join(this.#folder, 'seat.key')
    if (!existsSync(file)) replaceFile(this.#folder, 'seat.key', randomBytes(32).toString('hex'))
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'hex')
    if (key.length === 32) return key
    throw new OpsError('GATEWAY_KEY', {
      message: `${file} is not a key of 64 hex digits.`,
      fix: `rm ${file}  (citizens are then seated anew, once)`,
    })
  }

  #keep(kept: Kept): void {
    replaceFile(this.#folder, 'gateway.json', JSON.stringify(kept))
    this.#kept = kept
  }
}

function readKept(file: string): Kept {
  if (!existsSync(file)) return { epochSeen: 0, seqReserved: 0, config: null }
  try {
    const { epochSeen, seqReserved, config } = JSON.parse(readFileSync(file, 'utf8')) as Kept
    const read = config === null ? null : readConfig(config)
    if (read && 'reasons' in read) throw new Error(read.reasons.join('; '))
    if (!Number.isSafeInteger(epochSeen) || !Number.isSafeInteger(seqReserved)) throw new Error('numbers are missing')
    return { epochSeen, seqReserved, config: read }
  } catch (thrown) {
    // To start without the highest epoch would let a replaced engine give orders.
    throw new OpsError('GATEWAY_STATE', {
      message: `${file} cannot be read: ${messageOf(thrown)}.`,
      fix: `move ${file} away, start the gateway again and run holdfast deploy status, which sends the configuration anew`,
    })
  }
}

function replaceFile(folder: string, name: string, text: string): void {
  const file = join(folder, name)
  const next = `${file}.next`
  const handle = openSync(next, 'w', 0o600)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(next, file)
  const dir = openSync(folder, 'r')
  try {
    fsyncSync(dir)
  } finally {
    closeSync(dir)
  }
}
