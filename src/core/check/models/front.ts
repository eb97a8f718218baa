/** What the fronts before a service (nginx, HAProxy) have in common. */
import type { Directive } from '../formats/nginx.ts'
import { secondsOf } from './value.ts'

/** HAProxy counts bare numbers in milliseconds. */
export function haproxySeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) / 1_000 : secondsOf(text)
}

/** Every directive with what it stands in lets no websocket through: there a long time-out is a quiet connection, not a long request. */
export function* requestDirectives(directives: readonly Directive[] | undefined): Generator<Directive> {
  const all = directives ?? []
  if (all.some(({ name, args }) => name === 'proxy_set_header' && /^upgrade$/i.test(args[0] ?? ''))) return
  for (const directive of all) {
    yield directive
    yield* requestDirectives(directive.block)
  }
}
