/** The way back of Lambda functions: the alias points to the old version again, or else the stack is deployed again. */
import { items, spotOf, text } from '../formats/node.ts'
import { field, type Resource } from '../models/cloud.ts'
import { type Answer, added, exactly, SWITCH_S } from '../rollback-time.ts'
import type { World } from '../world.ts'
import { firstNotice } from './notice.ts'

/** A CloudFormation update of one function; assumed until a drill has measured it, in seconds. */
const UPDATE_S = 180

export function lambdaWaysBack(world: World): readonly Answer[] {
  return world.cloud
    .filter((resource) => resource.type === 'lambda' && answersRequests(world, resource))
    .map((one) => wayOf(world, one))
}

/** Only functions that citizens wait for: SAM's API events. Others cannot be told apart from jobs. */
function answersRequests(_world: World, resource: Resource): boolean {
  const events = field(resource, 'Events')
  return (
    events?.kind === 'map' &&
    [...events.entries.values()].some(
      ({ value }) => value.kind === 'map' && /^(Api|HttpApi)$/.test(text(value.entries.get('Type')?.value) ?? ''),
    )
  )
}

function wayOf(world: World, resource: Resource): Answer {
  const alias = field(resource, 'AutoPublishAlias')
  const alarms = field(resource, 'DeploymentPreference.Alarms')
  const notice = items(alarms).length > 0 ? firstNotice(resource, alarms, world.cloud) : undefined
  const noticed = notice ? [exactly('notice', notice.seconds, `${notice.sum} (${notice.alarm})`, [notice.at])] : []
  const at = alias ? spotOf(alias) : resource.at
  const base = { what: resource.id, platform: 'Lambda' as const, at, soft: false }
  if (alias) {
    const sum = added([...noticed, exactly('alias back', SWITCH_S, `${SWITCH_S} (assumed)`, [at])])
    return { way: { ...sum, ...base, how: 'the alias points to the version before' } }
  }
  const update = {
    name: 'stack update',
    low: UPDATE_S / 3,
    likely: UPDATE_S,
    high: UPDATE_S * 4,
    sum: `${UPDATE_S} (assumed)`,
    from: [],
  }
  return { way: { ...added([...noticed, update]), ...base, how: 'the old code deployed again, for want of an alias' } }
}
