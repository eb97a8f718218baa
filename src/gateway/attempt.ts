/**
 * Judges one attempt at a journey step: right status, success marker there, and done before the citizen gave up.
 *
 * What counts as time is the citizen's wait for the service: from the last byte of the request to the last byte of the answer,
 * plus the time that the release kept an upload waiting, less the time that a slow reader kept the answer waiting. An answer
 * that is not there when the limit passes has failed at that moment; nobody needs to see it arrive.
 */

import type { Outcome } from '../core/traffic/ledger.ts'
import type { StepMatch } from '../ports/traffic.ts'
import { type MarkerSearch, markerSearch } from './marker.ts'

// Methods are `private` rather than `#`: Node 20 pays for the latter with each object made, and one is made for each request.
export class Attempt {
  readonly step: StepMatch
  readonly #judged: (outcome: Outcome) => void
  #over = false
  /** Moment from which the citizen waits for us; undefined while the request is still arriving. */
  #waitingSinceMs: number | undefined
  /** Time to add to or take from the plain span, in ms. */
  #correctionMs = 0
  #heldUploadSinceMs: number | undefined
  #heldAnswerSinceMs: number | undefined
  #timer: NodeJS.Timeout | undefined
  #statusOk = false
  #search: MarkerSearch | undefined

  /** `judged` is called at most once. */
  constructor(step: StepMatch, judged: (outcome: Outcome) => void) {
    this.step = step
    this.#judged = judged
  }

  /** The request has wholly arrived. */
  asked(nowMs: number): void {
    if (this.#over || this.#waitingSinceMs !== undefined) return
    this.#waitingSinceMs = nowMs
    this.watch(this.step.limitMs)
  }

  holdUpload(nowMs: number): void {
    this.#heldUploadSinceMs ??= nowMs
  }

  resumeUpload(nowMs: number): void {
    if (this.#heldUploadSinceMs === undefined) return
    this.#correctionMs += nowMs - this.#heldUploadSinceMs
    this.#heldUploadSinceMs = undefined
  }

  holdAnswer(nowMs: number): void {
    this.#heldAnswerSinceMs ??= nowMs
  }

  resumeAnswer(nowMs: number): void {
    if (this.#heldAnswerSinceMs === undefined) return
    this.#correctionMs -= nowMs - this.#heldAnswerSinceMs
    this.#heldAnswerSinceMs = undefined
  }

  /** The answer's head is there. */
  answered(status: number, method: string, encoding: string | undefined): void {
    this.#statusOk = this.step.okStatus.includes(status)
    // Only pages that say "it worked" are searched: a redirect has no page, a citizen's own mistake gets another one.
    if (this.#statusOk && this.step.marker && status >= 200 && status < 300 && status !== 204 && method !== 'HEAD') {
      this.#search = markerSearch(this.step.marker, encoding)
    }
  }

  /** A part of the answer's body. */
  push(chunk: Buffer): void {
    this.#search?.push(chunk)
  }

  /** The whole answer is there. */
  ended(nowMs: number): void {
    // An answer that came before its request was wholly read kept nobody waiting after it.
    const late = this.waitedMs(nowMs) > this.step.limitMs
    const finish = (found: boolean) => this.judge(this.#statusOk && found ? (late ? 'slow' : 'ok') : 'failed')
    clearTimeout(this.#timer)
    if (this.#search && this.#statusOk) this.#search.end(finish)
    else finish(true)
  }

  /** No answer, or half of one. */
  failed(): void {
    this.judge('failed')
  }

  /** The citizen went away. Before the limit that is their own choice and says nothing; after it, they gave up on us. */
  abandoned(nowMs: number): void {
    if (this.waitedMs(nowMs) > this.step.limitMs) this.judge('slow')
    else this.drop()
  }

  /** Says nothing about this attempt. */
  drop(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  private waitedMs(nowMs: number): number {
    const span = this.#waitingSinceMs === undefined ? 0 : nowMs - this.#waitingSinceMs
    const upload = this.#heldUploadSinceMs === undefined ? 0 : nowMs - this.#heldUploadSinceMs
    const answer = this.#heldAnswerSinceMs === undefined ? 0 : nowMs - this.#heldAnswerSinceMs
    return span + upload - answer + this.#correctionMs
  }

  private watch(ms: number): void {
    this.#timer = setTimeout(() => {
      const leftMs = this.step.limitMs - this.waitedMs(performance.now())
      if (leftMs < 0) this.judge('slow')
      else this.watch(leftMs + 1)
    }, ms + 1)
    this.#timer.unref()
  }

  private judge(outcome: Outcome): void {
    if (this.#over) return
    this.drop()
    this.#judged(outcome)
  }
}
