/** Who may decide for which machine, until when. Time is the database's; core/lease.ts says when a lease holds. */
import { SET_BACK_MS } from '../../core/lease.ts'
import type { MachineRow } from '../../ports/store.ts'
import type { Row } from './connection.ts'

/** `m`'s lease holds at `now`. */
const HELD = `m.lease_until is not null and now < m.lease_until and now >= m.lease_from - ${SET_BACK_MS}`
const NOW = 'now as materialized (select holdfast.now_ms() as now)'

/** Named, not `*`: a newer engine may add a column while this one runs, and a kept plan must not change what it returns. */
export const COLUMNS = `m.id, m.kind, m.service, m.state, m.version, m.wake_at, m.done, m.exclusive, m.created_at, m.updated_at`

/** $1 owner, $2 lease in ms, $3 kinds or null, $4 services or null. Looks only at what is due, so idle machines cost nothing. */
export const CLAIM = `
  with ${NOW},
  due as (
    select m.id, m.wake_at as since from holdfast.machine m
      where not m.done and m.wake_at <= (select now from now)
    union all select m.id, m.wake_at from holdfast.machine m
      where not m.done and m.wake_at is not null and m.updated_at > (select now from now) + ${SET_BACK_MS}
    union all select i.machine, i.at from holdfast.inbox i where not i.read
    union all select e.machine, e.due_at from holdfast.effect e
      where not e.settled and e.due_at <= (select now from now)
    union all select e.machine, e.due_at from holdfast.effect e
      where not e.settled and e.since > (select now from now) + ${SET_BACK_MS}
  ),
  waiting as (select id, min(since) as since from due group by id),
  next as (
    select m.id from waiting join holdfast.machine m using (id) cross join now
    where not m.done and not coalesce(${HELD}, false) and ($3::text[] is null or m.kind = any ($3))
      and ($4::text[] is null or m.service = any ($4))
    order by waiting.since, m.created_at, m.id limit 1
    for no key update of m skip locked
  )
  update holdfast.machine m set owner = $1, epoch = nextval('holdfast.epoch'), lease_from = now, lease_until = now + $2
  from next, now where m.id = next.id
  returning m.id, m.epoch, m.lease_until`

/** $1 machine, $2 epoch, $3 lease in ms. */
export const RENEW = `
  with ${NOW}
  update holdfast.machine m set lease_from = now, lease_until = now + $3 from now
  where m.id = $1 and m.epoch = $2 and ${HELD} returning m.lease_until`

/** $1 machine, $2 epoch. */
export const RELEASE = `
  update holdfast.machine set owner = null, lease_from = null, lease_until = null where id = $1 and epoch = $2`

/** $1 machine, $2 epoch: the machine and its unread inbox in one view; no row when fenced. */
export const OPEN = `
  with ${NOW}
  select ${COLUMNS}, (
    select coalesce(json_agg(json_build_object('seq', i.seq, 'at', i.at, 'kind', i.kind, 'id', i.id, 'name', i.name,
      'who', i.who, 'payload', i.payload) order by i.seq), '[]')
    from (select * from holdfast.inbox where machine = m.id and not read order by seq limit 1000) i
  ) as inbox
  from holdfast.machine m, now where m.id = $1 and m.epoch = $2 and ${HELD}`

/** $1 ids: locks all of them in one order, so that two transactions never wait for each other. `held` with its own lease. */
export const LOCK = `
  with m as materialized (select * from holdfast.machine where id = any ($1) order by id for no key update),
  now as materialized (select holdfast.now_ms() as now from (select count(*) from m) as after_the_locks)
  select ${COLUMNS}, m.epoch, now, coalesce(${HELD}, false) as held from m, now`

/** $1 machine, $2 epoch: counts the attempt of each effect that is due. One row with null when fenced. */
export const BEGIN = `
  with ${NOW},
  mine as materialized (
    select m.id from holdfast.machine m, now where m.id = $1 and m.epoch = $2 and ${HELD} for no key update of m
  ),
  begun as (
    update holdfast.effect e set attempts = e.attempts + 1 from mine, now
    where e.machine = mine.id and not e.settled and (e.due_at <= now or e.since > now + ${SET_BACK_MS})
    returning e.n, e.id, e.kind, e.payload, e.due_at, e.attempts - 1 as attempts
  )
  select case when exists (select from mine) then
    (select coalesce(json_agg(json_build_object('id', id, 'kind', kind, 'payload', payload, 'dueAt', due_at,
      'attempts', attempts) order by n), '[]') from begun)
  end as begun`

/** $1 machine, $2 epoch, $3 effect, $4 due. Row only when the claim holds. */
export const POSTPONE = `
  with ${NOW},
  mine as materialized (
    select m.id from holdfast.machine m, now where m.id = $1 and m.epoch = $2 and ${HELD} for no key update of m
  ),
  put_off as (
    update holdfast.effect e set since = now, due_at = $4 from mine, now
    where e.machine = mine.id and e.id = $3 and not e.settled
  )
  select id from mine`

export function machineOf(row: Row): MachineRow {
  return {
    id: row.id,
    kind: row.kind,
    service: row.service,
    state: row.state,
    version: row.version,
    wakeAt: row.wake_at,
    done: row.done,
    exclusive: row.exclusive,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
