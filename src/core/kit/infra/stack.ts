/** The whole infrastructure that decides whether citizens are cut off, as one model. Networks, roles and data stores are yours. */
import type { Service } from '../../define/schema.ts'
import { journeyAlarms } from './alarms.ts'
import { auditPart } from './audit.ts'
import { ec2Parts } from './ec2.ts'
import { ecsParts, registryPart } from './ecs.ts'
import { lambdaParts } from './lambda.ts'
import { type Part, type Stack, stackOf } from './model.ts'
import { PREFIX, SITE_REGION, siteFilesPart, sitePart, sitesOf } from './site.ts'
import { tracePart } from './traces.ts'

export interface Infrastructure {
  /** Set up once, before the first release: images and the audit trail outlive every change of the rest. */
  readonly lasting: Stack
  readonly releases: Stack
  /** What serves the files of a site, where there is one beside other parts: made in us-east-1. */
  readonly site?: Stack
}

/** Undefined for a runtime that is not of AWS, or when nothing of it runs there. */
export function infrastructureOf(service: Service): Infrastructure | undefined {
  const { id, name } = service.service
  const parts = partsOf(service)
  const sites = hasSites(service) ? sitesOf(service) : []
  if (parts.length + sites.length === 0) return undefined
  const hasImages = service.runtime.kind === 'ecs'
  const lasting = stackOf(`${id}-lasting`, `What lasts of "${name}": set up once, before the first release`, [
    ...(hasImages ? [registryPart(service)] : []),
    ...sites.map((site) => siteFilesPart(service, site)),
    auditPart(service),
  ])
  const site =
    sites.length > 0
      ? stackOf(
          `${id}-site`,
          `What serves the files of "${name}", in ${SITE_REGION}`,
          sites.map((one) => sitePart(service, one)),
        )
      : undefined
  const siteNotes = [
    `In this order: ${id}-lasting, once; then the files of the first release below ${PREFIX} in its bucket; then this, in ${SITE_REGION}: there CloudFront keeps its figures and looks for certificates.`,
  ]
  if (site && parts.length === 0) return { lasting, releases: { ...site, notes: siteNotes } }
  const releases = stackOf(id, `What runs "${name}": releases, the way back, drains and alarms`, [
    ...parts,
    tracePart(service),
  ])
  return {
    lasting,
    releases: { ...releases, notes: orderOf(service, hasImages) },
    ...(site ? { site: { ...site, notes: siteNotes } } : {}),
  }
}

/** Files are served the same way beside any runtime of AWS, and alone. */
function hasSites({ runtime }: Service): boolean {
  return ['ecs', 'lambda', 'ec2', 'static'].includes(runtime.kind)
}

/** Region of a stack where it is not that of the service. */
export function regionOf({ name }: Stack): string | undefined {
  return name.endsWith('-site') ? SITE_REGION : undefined
}

/** In which order things are set up; each names what the next one needs. */
function orderOf(service: Service, hasImages: boolean): readonly string[] {
  const { id } = service.service
  const steps = [
    `${id}-lasting, once`,
    ...(hasImages ? ['the images of the first release, pushed into its registries'] : []),
    ...(hasImages && journeyAlarms(service).length > 0
      ? [`ops/alerts/${id}.alarms.yml, whose alarms are named here`]
      : []),
    'this',
  ]
  return [`In this order: ${steps.join('; then ')}.`]
}

function partsOf(service: Service): readonly Part[] {
  switch (service.runtime.kind) {
    case 'ecs':
      return ecsParts(service)
    case 'lambda':
      return lambdaParts(service)
    case 'ec2':
      return ec2Parts(service)
    default:
      return []
  }
}
