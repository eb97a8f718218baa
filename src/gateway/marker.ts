/**
 * Looks for a step's success marker in a copy of the first 64 KiB of an answer, while the answer itself streams on untouched.
 * Packed answers are unpacked aside; both the packed and the unpacked copy are bounded.
 */
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

export const LOOKED_AT_BYTES = 65_536

export interface MarkerSearch {
  /** A chunk of the body as it passes. */
  push(chunk: Buffer): void
  /** The body has ended: was the marker there? Gives true where the encoding is one that we cannot read. */
  end(done: (found: boolean) => void): void
}

export function markerSearch(marker: string, encoding: string | undefined): MarkerSearch {
  const chunks: Buffer[] = []
  let size = 0
  const push = (chunk: Buffer) => {
    if (size >= LOOKED_AT_BYTES) return
    const part = chunk.length > LOOKED_AT_BYTES - size ? chunk.subarray(0, LOOKED_AT_BYTES - size) : chunk
    chunks.push(part)
    size += part.length
  }
  const unpacker = unpackerOf(encoding)
  if (unpacker === 'unreadable') return { push: () => {}, end: (done) => done(true) }
  return {
    push,
    end(done) {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)
      if (!unpacker) done(holds(body, marker))
      else unpack(body, unpacker, (plain) => done(holds(plain, marker)))
    },
  }
}

type Unpacker = () => ReturnType<typeof createGunzip> | ReturnType<typeof createBrotliDecompress>

function unpackerOf(encoding: string | undefined): Unpacker | 'unreadable' | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return createGunzip
    case 'deflate':
      return createInflate
    case 'br':
      return createBrotliDecompress
    default:
      return 'unreadable'
  }
}

function unpack(packed: Buffer, create: Unpacker, done: (plain: Buffer) => void): void {
  const stream = create()
  const chunks: Buffer[] = []
  let size = 0
  let over = false
  const finish = () => {
    if (over) return
    over = true
    stream.destroy()
    done(Buffer.concat(chunks).subarray(0, LOOKED_AT_BYTES))
  }
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= LOOKED_AT_BYTES) finish()
  })
  // A copy cut at 64 KiB ends in the middle of the packed stream: what came out before that is what we look at.
  stream.on('error', finish)
  stream.on('end', finish)
  stream.end(packed)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#34;': '"',
  '&#39;': "'",
  '&#x27;': "'",
  '&apos;': "'",
  '&nbsp;': ' ',
}

/** Plain search first; then once more as a reader sees it, with line breaks as spaces and entities as their characters. */
export function holds(body: Buffer, marker: string): boolean {
  if (body.includes(marker)) return true
  const asRead = (text: string) => text.replace(/&[#\w]{2,6};/g, (word) => ENTITIES[word] ?? word).replace(/\s+/g, ' ')
  return asRead(body.toString('utf8')).includes(asRead(marker))
}
