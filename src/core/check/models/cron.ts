/** The little of cron that a person would argue about: at which hour of the day something happens. */

/** The fixed time of day of a five- or six-field expression; undefined for "every …" and lists. */
export function cronHour(cron: string): { readonly hour: number; readonly minute: number } | undefined {
  const fields = cron.trim().split(/\s+/)
  if (fields.length < 5 || fields.length > 7) return undefined
  // EventBridge and Unix cron both start with minute and hour.
  const [minute = '', hour = ''] = fields
  if (!/^\d{1,2}$/.test(hour) || !/^\d{1,2}$/.test(minute)) return undefined
  const at = { hour: Number(hour), minute: Number(minute) }
  return at.hour < 24 && at.minute < 60 ? at : undefined
}

/** What a time in UTC is in London, in winter and in summer: "09:00" and "10:00". */
export function localTimes(hour: number, minute: number): { readonly winter: string; readonly summer: string } {
  const clock = (h: number) => `${String(h % 24).padStart(2, '0')}:${String(minute).padStart(2, '0')}`
  return { winter: clock(hour), summer: clock(hour + 1) }
}
