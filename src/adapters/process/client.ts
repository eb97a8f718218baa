/** Asks the supervisor over its socket. */
import http from 'node:http'
import { messageOf } from '../../core/errors.ts'
import { isUnreachable, type Unreachable, unreachable } from '../../ports/unreachable.ts'

/** A supervisor that takes longer than this for one answer is as good as away, in ms. Its own waits are shorter. */
const ANSWER_MS = 5_000
/** An answer is at most this long, in bytes: a log and its escapes. */
const ANSWER_MAX = 4 * 1_048_576

/** One question. What goes wrong is an answer, too. */
export async function ask<T>(
  socket: string,
  path: string,
  body: unknown,
  limitMs = ANSWER_MS,
): Promise<T | 'pending' | Unreachable> {
  try {
    const { status, text } = await exchange(socket, path, JSON.stringify(body), limitMs)
    const json: unknown = JSON.parse(text)
    if (status === 200) return json as T
    const { error } = json as { error?: unknown }
    return unreachable(`The supervisor did not accept ${path.slice(1)}: ${String(error).slice(0, 1_000)}`)
  } catch (thrown) {
    return unreachable(`The supervisor at ${socket} did not answer ${path.slice(1)}: ${messageOf(thrown)}`)
  }
}

/** The supervisor's pid; undefined when none answers. */
export async function pingSupervisor(socket: string): Promise<number | undefined> {
  const answer = await ask<{ pid: number }>(socket, '/ping', {})
  return isUnreachable(answer) || answer === 'pending' ? undefined : answer.pid
}

function exchange(
  socket: string,
  path: string,
  body: string,
  limitMs: number,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: socket, path, method: 'POST', agent: false }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > ANSWER_MAX) request.destroy(new Error('the answer is too long'))
        chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    request.end(body)
  })
}
