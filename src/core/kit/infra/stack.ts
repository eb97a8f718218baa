/** The whole infrastructure that decides whether citizens are cut off, as one model. Networks, roles and data stores are yours. */
import type { Service } from '../../define/schema.ts'
import { journeyAlarms } from './alarms.ts'
import { auditPart } from './audit.ts'
import { ec2Parts } from './ec2.ts'
import { ecsParts, registryPart } from './ecs.ts'
import { lambdaParts } from './lambda.ts'
import { type Part, type Stack, stackOf } from './model.ts'
import { tracePart } from './traces.ts'

export interface Infrastructure {
  /** Set up once, before the first release: images and the audit trail outlive every change of the rest. */
  readonly lasting: Stack
  readonly releases: Stack
}

/** Undefined for a runtime that is not of AWS, or when nothing of it runs there. */
export function infrastructureOf(service: Service): Infrastructure | undefined {
  const { id, name } = service.service
  const parts = partsOf(service)
  if (parts.length === 0) return undefined
  const hasImages = service.runtime.kind === 'ecs'
  const lasting = stackOf(`${id}-lasting`, `What lasts of "${name}": set up once, before the first release`, [
    ...(hasImages ? [registryPart(service)] : []),
    auditPart(service),
  ])
  const releases = stackOf(id, `What runs "${name}": releases, the way back, drains and alarms`, [
    ...parts,
    tracePart(service),
  ])
  return { lasting, releases: { ...releases, notes: orderOf(service, hasImages) } }
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
