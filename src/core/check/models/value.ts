/** A number or switch with the platform's default applied, or the reason why it cannot be known. */
import { flag, type Node, num, type Spot, spotOf } from '../formats/node.ts'
import { field, type Resource } from './cloud.ts'

export type Known<T> =
  | { readonly known: true; readonly value: T; readonly at: Spot; readonly soft: boolean; readonly said: boolean }
  | { readonly known: false; readonly at: Spot; readonly text: string }

/** A number at one of the paths of a resource; `fallback` when it is absent. */
export function numberAt(resource: Resource, fallback: number, ...paths: readonly string[]): Known<number> {
  return knownNumber(field(resource, ...paths), fallback, resource.at)
}

export function flagAt(resource: Resource, fallback: boolean, ...paths: readonly string[]): Known<boolean> {
  const node = field(resource, ...paths)
  if (!node) return { known: true, value: fallback, at: resource.at, soft: false, said: false }
  const value = flag(node)
  if (value === undefined) return { known: false, at: spotOf(node), text: textOf(node) }
  return { known: true, value, at: spotOf(node), soft: node.soft === true, said: true }
}

export function knownNumber(node: Node | undefined, fallback: number, at: Spot): Known<number> {
  if (!node) return { known: true, value: fallback, at, soft: false, said: false }
  const value = num(node)
  if (value === undefined) return { known: false, at: spotOf(node), text: textOf(node) }
  return { known: true, value, at: spotOf(node), soft: node.soft === true, said: true }
}

function textOf(node: Node): string {
  return node.kind === 'scalar' || node.kind === 'opaque' ? node.text.slice(0, 80) : `a ${node.kind}`
}

/** "default 30" or "30": how a number is shown in a sum. */
export function shown(value: Known<number>): string {
  return value.known ? `${value.said ? '' : 'default '}${value.value}` : value.text
}

/** The first of these that is not known. */
export function unknownOf(...values: readonly Known<unknown>[]): (Known<unknown> & { known: false }) | undefined {
  return values.find((value): value is Known<unknown> & { known: false } => !value.known)
}

/** Seconds from Go and compose durations: "1m30s", "90s", "500ms", "2h"; a bare number counts as seconds. */
export function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text)
  const units: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 }
  let total = 0
  let rest = text.trim()
  while (rest) {
    const match = /^(\d{1,9}(?:\.\d+)?)(ms|s|m|h|d|w)/.exec(rest)
    if (!match) return undefined
    total += Number(match[1]) * units[match[2]!]!
    rest = rest.slice(match[0].length)
  }
  return text.trim() ? total : undefined
}

/** Seconds from an ISO 8601 duration as CloudFormation writes it: "PT5M", "PT1H30M". */
export function isoSeconds(text: string | undefined): number | undefined {
  const match = /^PT(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?$/.exec(text ?? '')
  if (!match) return undefined
  return Number(match[1] ?? 0) * 3_600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)
}
