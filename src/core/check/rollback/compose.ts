/** The way back of a swarm stack: rollback_config, task after task. */
import { child, fields, items, type Node, num, spotOf, text } from '../formats/node.ts'
import { secondsOf } from '../models/value.ts'
import { type Answer, estimate } from '../rollback-time.ts'
import type { World } from '../world.ts'

/** Compose file reference: parallelism 1, delay 0, monitor 5 s, order stop-first; stop_grace_period 10 s; healthcheck interval 30 s. */
export function composeWaysBack(world: World): readonly Answer[] {
  return world.composes.flatMap(({ root }) =>
    fields(child(root, 'services')).flatMap(([name, service]) => wayOf(name, service)),
  )
}

function wayOf(name: string, service: Node): readonly Answer[] {
  const deploy = child(service, 'deploy')
  const serves = items(child(service, 'ports')).length > 0 || items(child(service, 'expose')).length > 0
  // Without deploy settings the file is for docker compose, which replaces a container in seconds.
  if (!serves || (!child(deploy, 'update_config') && !child(deploy, 'replicas'))) return []
  const back = child(deploy, 'rollback_config')
  const replicas = child(deploy, 'replicas')
  const count = replicas ? num(replicas) : 1
  if (count === undefined || count < 1) return []
  const parallel = num(child(back, 'parallelism')) ?? 1
  const delay = secondsOf(text(child(back, 'delay'))) ?? 0
  const monitor = secondsOf(text(child(back, 'monitor'))) ?? 5
  const graceNode = child(service, 'stop_grace_period')
  const grace = secondsOf(text(graceNode)) ?? 10
  const stopsFirst = (text(child(back, 'order')) ?? 'stop-first') === 'stop-first'
  const check = child(service, 'healthcheck')
  const interval = check ? (secondsOf(text(child(check, 'interval'))) ?? 30) : 0
  const sum = estimate({
    count,
    // 0 means all at once.
    atOnce: parallel === 0 ? count : parallel,
    healthS: interval + monitor + delay,
    healthSum: `check ${interval} + monitor ${monitor} + delay ${delay} = ${interval + monitor + delay}`,
    drainS: stopsFirst ? grace : 0,
    drainSum: `${graceNode ? '' : 'default '}${grace} (stop-first)`,
    from: {
      batches: [replicas, back].flatMap((node) => (node ? [spotOf(node)] : [])),
      one: [check, graceNode].flatMap((node) => (node ? [spotOf(node)] : [])),
    },
  })
  const at = back ? spotOf(back) : spotOf(deploy!)
  return [{ way: { ...sum, what: name, platform: 'compose', how: 'docker service rollback', at, soft: false } }]
}
