/** X-Ray: which requests are traced, and the group in which failing journeys are found again. */
import type { Service } from '../../define/schema.ts'
import { slowestLimit, tracedShare } from './figures.ts'
import type { Part, Resource } from './model.ts'

export function traced(service: Service): boolean {
  return /x-?ray/i.test(service.tooling.traces ?? '')
}

export function tracePart(service: Service): Part {
  const limit = slowestLimit(service)
  if (!traced(service)) return { parameters: [], resources: [] }
  const rule: Resource = {
    id: 'TracesSampled',
    type: 'AWS::XRay::SamplingRule',
    props: {
      SamplingRule: {
        RuleName: service.service.id.slice(0, 32),
        Version: 1,
        Priority: 1_000,
        ReservoirSize: 1,
        FixedRate: tracedShare(service),
        ServiceName: service.service.id,
        ServiceType: '*',
        Host: '*',
        HTTPMethod: '*',
        URLPath: '*',
        ResourceARN: '*',
      },
    },
  }
  const hurt: Resource = {
    id: 'TracesOfFailures',
    type: 'AWS::XRay::Group',
    ...(limit ? { why: [`Slow: ${limit.why}.`] } : {}),
    props: {
      GroupName: `${service.service.id}-citizens-fail`.slice(0, 32),
      FilterExpression: `service("${service.service.id}") AND (fault${limit ? ` OR responsetime > ${String(limit.value)}` : ''})`,
    },
  }
  return { parameters: [], resources: [rule, hurt] }
}
