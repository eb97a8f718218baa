/**
 * Follows a stream of websocket frames just closely enough to know where one ends, so that a close frame of ours can be put
 * between two of the release's (RFC 6455 section 5.2). Looks at headers only.
 */
export class FrameEdge {
  /** Bytes of the present frame's payload that are still to come. */
  #left = 0
  /** Bytes of a header that has not wholly arrived. */
  #head: number[] = []

  /** True between two frames. */
  get clear(): boolean {
    return this.#left === 0 && this.#head.length === 0
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#left > 0) {
        const skip = Math.min(this.#left, chunk.length - at)
        this.#left -= skip
        at += skip
        continue
      }
      this.#head.push(chunk[at++]!)
      const size = headSize(this.#head)
      if (size !== undefined && this.#head.length === size) {
        this.#left = payloadSize(this.#head)
        this.#head = []
      }
    }
  }
}

/** Length of the frame header that begins with these bytes; undefined while that cannot be told. */
function headSize(head: readonly number[]): number | undefined {
  if (head.length < 2) return undefined
  const short = head[1]! & 0x7f
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (head[1]! & 0x80 ? 4 : 0)
}

function payloadSize(head: readonly number[]): number {
  const short = head[1]! & 0x7f
  if (short < 126) return short
  return head.slice(2, short === 126 ? 4 : 10).reduce((sum, byte) => sum * 256 + byte, 0)
}

/** A close frame from a server: 1012, "service restart", which tells a client to reconnect (RFC 6455 registry). */
export const CLOSE_AND_COME_BACK = Buffer.from([0x88, 0x02, 0x03, 0xf4])
