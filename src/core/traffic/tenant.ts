/**
 * Which tenant (department, region, council) a request belongs to, and what share of that tenant's new sessions the canary gets. A
 * release reaches tenants ring after ring: a ring's tenants are all on the old release, or split by the coin while their ring is on
 * trial, or all on the new one. Reading is bounded and believes nothing: an unknown or malformed tenant is nobody's, and stays on stable.
 */

/** Where the tenant's name stands in a request. */
export type TenantPlace =
  /** The n-th segment of the path, from 0: `/:tenant/contact` is 0. */
  | { readonly in: 'path'; readonly at: number }
  /** A header that a proxy in front sets, in lower case. It must remove what clients send under that name. */
  | { readonly in: 'header'; readonly header: string }
  /** The first label of the host name: `environment.enquiries.example`. */
  | { readonly in: 'host' }

export interface TenantRing {
  /** Name of the ring; it stands before the segment of every count: "volunteers/chrome". */
  readonly id: string
  /** At most 500 names. */
  readonly tenants: readonly string[]
  /** Share of their new sessions that the canary gets: 0 none, 1 every session, also those seated before. */
  readonly weight: number
}

export interface TenantRule {
  readonly where: TenantPlace
  /** At most 20, each tenant in one of them. */
  readonly rings: readonly TenantRing[]
  /** Every tenant that no ring names; absent: they stay on stable. */
  readonly rest?: { readonly id: string; readonly weight: number }
}

/** What seating needs to know of a tenant. */
export interface RingSeat {
  readonly id: string
  readonly weight: number
}

export interface TenantRequest {
  readonly path: string
  readonly host: string | undefined
  header(name: string): string | undefined
}

const NAME_MAX = 63
const NAME = /^[a-z0-9][a-z0-9_-]*$/
const NOBODY: RingSeat = { id: '', weight: 0 }

/** A reader of one rule, made once for a configuration. Gives the ring of the tenant that a request names. */
export function ringReader(rule: TenantRule): (request: TenantRequest) => RingSeat {
  const byTenant = new Map<string, RingSeat>()
  for (const { id, tenants, weight } of rule.rings) for (const name of tenants) byTenant.set(name, { id, weight })
  const rest = rule.rest ?? NOBODY
  return (request) => {
    const tenant = tenantOf(rule.where, request)
    return tenant === undefined ? NOBODY : (byTenant.get(tenant) ?? rest)
  }
}

/** The name as the definition writes it; undefined: none, or nothing that could be one. */
export function tenantOf(where: TenantPlace, request: TenantRequest): string | undefined {
  const found =
    where.in === 'path'
      ? segmentOf(request.path, where.at)
      : where.in === 'header'
        ? request.header(where.header)
        : request.host?.split('.', 1)[0]
  if (found === undefined || found.length > NAME_MAX) return undefined
  const name = found.toLowerCase()
  return NAME.test(name) ? name : undefined
}

function segmentOf(path: string, at: number): string | undefined {
  let from = 1
  for (let i = 0; ; i++) {
    const slash = path.indexOf('/', from)
    const query = path.indexOf('?', from)
    const stop = slash < 0 || (query >= 0 && query < slash) ? query : slash
    const segment = stop < 0 ? path.slice(from) : path.slice(from, stop)
    if (i === at) return segment
    if (stop < 0 || stop === query) return undefined
    from = stop + 1
  }
}

/** The segment under which a ring's counts are kept, and back. */
export function ringSegment(ring: string, segment: string): string {
  return segment === '' ? ring : `${ring}/${segment}`
}

/** The segment within a ring; undefined: the count is of another ring. */
export function segmentInRing(segment: string, ring: string): string | undefined {
  if (segment === ring) return ''
  return segment.startsWith(`${ring}/`) ? segment.slice(ring.length + 1) : undefined
}
