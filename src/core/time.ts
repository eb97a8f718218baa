/** A moment, as milliseconds since 1970-01-01T00:00:00Z. Core never reads a clock: moments arrive as arguments. */
export type Instant = number

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** ISO 8601 in UTC, for logs and machines. */
export function isoOf(at: Instant): string {
  return new Date(at).toISOString()
}

let london: Intl.DateTimeFormat | undefined

/** Wall time in London with its zone name ("Mon 23 Nov, 05:30:42 GMT"), for people. */
export function londonOf(at: Instant): string {
  // Made when it is first asked for: it takes longer than all else that a hook at a save does before it reads the file.
  london ??= new Intl.DateTimeFormat('en-GB', {
    timeZone: 'Europe/London',
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  })
  return london.format(at)
}

/** A duration in the largest units a person reads at a glance: "0.8 s", "12 s", "3 min 20 s", "2 h 5 min". */
export function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 2 * MINUTE) return `${Math.round(ms / 1_000)} s`
  if (ms < 2 * HOUR) {
    // Rounded before it is taken apart: 6 min 59.7 s is 7 min, never "6 min 60 s".
    const seconds = Math.round(ms / 1_000)
    return `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`
  }
  const minutes = Math.round(ms / MINUTE)
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ''}`
}
