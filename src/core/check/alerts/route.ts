/** Which receivers of an Alertmanager configuration get an alert with these labels. */
import { child, fields, flag, items, type Node, text } from '../formats/node.ts'
import { safePattern, Unsupported } from './series.ts'

const DEPTH_MAX = 20

/** Names of receivers, in order; the deepest matching route wins, and `continue` goes on to its siblings. */
export function receiversOf(
  route: Node | undefined,
  labels: ReadonlyMap<string, string>,
  inherited = '',
  depth = 0,
): readonly string[] {
  if (!route || depth > DEPTH_MAX) return []
  const own = text(child(route, 'receiver')) ?? inherited
  const found: string[] = []
  for (const inner of items(child(route, 'routes'))) {
    if (!fits(inner, labels)) continue
    found.push(...receiversOf(inner, labels, own, depth + 1))
    if (flag(child(inner, 'continue')) !== true) break
  }
  return found.length > 0 ? found : own ? [own] : []
}

function fits(route: Node, labels: ReadonlyMap<string, string>): boolean {
  const equal = fields(child(route, 'match')).every(
    ([label, value]) => (labels.get(label) ?? '') === (text(value) ?? ''),
  )
  const like = fields(child(route, 'match_re')).every(([label, value]) =>
    tested(text(value) ?? '', labels.get(label) ?? ''),
  )
  return equal && like && items(child(route, 'matchers')).every((node) => matched(text(node) ?? '', labels))
}

function matched(matcher: string, labels: ReadonlyMap<string, string>): boolean {
  return matcher.split(',').every((part) => {
    const match = /^\s*\{?\s*"?([\w.-]+)"?\s*(=~|!~|!=|=)\s*"?([^"]*?)"?\s*\}?\s*$/.exec(part.slice(0, 500))
    if (!match) return false
    const value = labels.get(match[1]!) ?? ''
    if (match[2] === '=') return value === match[3]
    if (match[2] === '!=') return value !== match[3]
    return tested(match[3]!, value) === (match[2] === '=~')
  })
}

function tested(pattern: string, value: string): boolean {
  try {
    return safePattern(pattern).test(value.slice(0, 200))
  } catch (thrown) {
    if (thrown instanceof Unsupported) return false
    throw thrown
  }
}
