/** The whole infrastructure that decides whether citizens are cut off, as one model. Networks, roles and data stores are yours. */
import type { Service } from '../../define/schema.ts'
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
  const registries = service.runtime.kind === 'ecs' ? [registryPart(service)] : []
  return {
    lasting: stackOf(`${id}-lasting`, `What lasts of "${name}": set up once, before the first release`, [
      ...registries,
      auditPart(service),
    ]),
    releases: stackOf(id, `What runs "${name}": releases, the way back, drains and alarms`, [
      ...parts,
      tracePart(service),
    ]),
  }
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
