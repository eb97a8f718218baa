/**
 * HAProxy's configuration file and the small files it names, written from a traffic configuration. Everything in it that came from
 * outside is either checked to be plain, or escaped, or a digest. The seating rules are those of src/core/traffic/seat.ts, line by
 * line; the contract in src/testing/contracts/traffic.ts holds both to the same behaviour.
 *
 * Tried with HAProxy 2.6 (Debian 12). Needs OpenSSL in it (hmac, secure_memcmp) and PCRE, as every distribution builds it.
 */
import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { SEAT_COOKIE, SEAT_MS_MAX } from '../../core/traffic/seat.ts'
import { BOTS, probeValue } from '../../core/traffic/visitor.ts'
import { PAGES, type Page, pageHeaders, pageHtml } from '../../gateway/pages.ts'
import type { WorkerOptions } from '../../ports/gateway.ts'
import type { TrafficConfig } from '../../ports/traffic.ts'
import { type Desired, SLOTS } from './desired.ts'
import { markerPattern, stepPatterns } from './routes.ts'

/** How much of a page is searched for its marker, and of a form is taken before a release is asked, in bytes. */
export const LOOKED_AT_BYTES = 24_576
// Room for that much beside headers; two such buffers for each request under way.
const BUFFER_BYTES = 32_768
// 8 MB hold some 20,000 lines: ten seconds at 2,000 requests a second, longer than our reader takes to come back.
const RING_BYTES = 8_388_608
export const LINE_BYTES = 2_048

export interface Setting {
  /** IP address and port for citizens. */
  readonly host: string
  readonly port: number
  /** Paths of unix sockets. */
  readonly stats: string
  readonly log: string
  /** 32 bytes that sign seats. */
  readonly key: Buffer
  readonly options: WorkerOptions
}

export interface Files {
  /** By name. Relative to the folder in which HAProxy is started. */
  readonly texts: Readonly<Record<string, string>>
  /** The same as long as a running worker needs no reload. */
  readonly fingerprint: string
  /** Tells which list of steps a log line speaks of. */
  readonly steps: string
}

/** Why HAProxy cannot serve this configuration; empty: it can. */
export function refusals(config: TrafficConfig): readonly string[] {
  const reasons: string[] = []
  if (config.shadow) {
    reasons.push(
      'HAProxy cannot send copies of requests, so shadow needs the built-in gateway (runtime.traffic: gateway)',
    )
  }
  if (config.tenants) {
    reasons.push(
      'HAProxy does not tell tenants apart here, so rings need the built-in gateway (runtime.traffic: gateway)',
    )
  }
  if (!/^\/[\x21-\x7e]*$/.test(config.healthPath)) {
    reasons.push('healthPath: HAProxy takes printable ASCII without blanks only')
  }
  return reasons
}

export function filesFor(config: TrafficConfig | null, desired: Desired | null, setting: Setting): Files {
  const steps = config?.steps ?? []
  const patterns = stepPatterns(steps)
  const marked = (index: number) => (steps[index]?.marker === undefined ? '' : 'm')
  const digest = createHash('sha256').update(JSON.stringify(steps)).digest('hex').slice(0, 8)
  const texts: Record<string, string> = {
    'steps.map': patterns.map(({ pattern, index }) => `${pattern} ${index}${marked(index)}\n`).join(''),
    'probes.map': config ? probesMap(config) : '',
  }
  const markers = patterns.filter(({ index }) => marked(index) !== '').map(({ index }) => index)
  for (const index of markers) texts[`marker-${index}.lst`] = `(?:)${markerPattern(steps[index]!.marker!)}\n`
  for (const [status, page] of ERROR_PAGES) texts[`${status}.http`] = rawPage(page)
  const text = [
    globalPart(setting),
    defaultsPart(setting),
    frontend(setting, config, markers, digest),
    'backend nobody\n',
  ].join('\n')
  const backends = SLOTS.flatMap((slot) => [slot, `${slot}_cit`, `${slot}_ws`]).map((name) =>
    backend(name, config?.healthPath ?? '/', desired),
  )
  const bare = SLOTS.map((slot) => backend(slot, config?.healthPath ?? '/', null))
  const fingerprint = createHash('sha256')
    .update([text, ...bare, ...Object.values(texts)].join('\0'))
    .digest('hex')
  texts['rules.map'] = `now ${desired?.rules ?? '0.0.none.none.none.none.none'}\n`
  texts['haproxy.cfg'] = `${HEAD}\n${text}\n${backends.join('\n')}`
  return { texts, fingerprint, steps: digest }
}

const HEAD = `# Written by Holdfast. Changes made here are lost: HAProxy is steered through its command line, and this file
# follows, so that HAProxy comes back after a restart as it was.
`

function globalPart({ stats, log }: Setting): string {
  return `global
  stats socket ${quoted(stats)} mode 600 level admin expose-fd listeners
  stats timeout 1m
  tune.bufsize ${BUFFER_BYTES}
  tune.maxrewrite 4096

ring answers
  format raw
  maxlen ${LINE_BYTES}
  size ${RING_BYTES}
  timeout connect 2s
  timeout server 10s
  server driver ${quoted(`unix@${log}`)}
`
}

function defaultsPart({ options }: Setting): string {
  const { connectMs, uploadIdleMs, answerMs, headMs, keepAliveMs, checkTimeoutMs } = options
  return `defaults
  mode http
  timeout connect ${connectMs}ms
  timeout check ${checkTimeoutMs}ms
  timeout client ${uploadIdleMs}ms
  timeout server ${answerMs}ms
  timeout http-request ${headMs}ms
  timeout http-keep-alive ${keepAliveMs}ms
  timeout tunnel 24h
  option http-keep-alive
  option idle-close-on-response
  option dontlognull
  option http-ignore-probes
  option abortonclose
  option redispatch 1
  option allbackups
  retries 3
  retry-on conn-failure empty-response
  balance roundrobin
${ERROR_PAGES.map(([status]) => `  errorfile ${status} ${status}.http`).join('\n')}
`
}

function frontend(
  { host, port, key, options }: Setting,
  config: TrafficConfig | null,
  markers: readonly number[],
  steps: string,
): string {
  const probe = (config?.probe.header ?? 'x-holdfast-probe').toLowerCase()
  const sign = `hmac(sha256,${key.toString('base64')}),bytes(0,16),ub64enc`
  return `frontend citizens
  bind ${host.includes(':') ? `ipv6@${host}` : `ipv4@${host}`}:${port}
  log ring@answers format raw local0
  log-format '${LOG_FORMAT.replace('STEPS', steps)}'

  # A request may be sent twice only when it changes nothing.
  http-request disable-l7-retry unless METH_GET

  # Which step of a journey is it? A form is taken whole before its session is seated, so that a slow sender is not held against a
  # release, and so that no time passes between the choice of a release and the request.
  http-request set-var(txn.path) path,url_dec
  http-request set-var(txn.asked) method,concat(:,txn.path)
  http-request set-var(txn.step) var(txn.asked),map_reg(steps.map)
  acl is_step var(txn.step) -m found
  acl has_marker var(txn.step) -m end m
  http-request wait-for-body time ${options.uploadIdleMs}ms at-least ${LOOKED_AT_BYTES} if is_step !METH_GET !METH_HEAD
  http-request set-header Accept-Encoding identity if has_marker

  # Who is it?
  http-request set-var(txn.probe) req.fhdr(${probe}),sha2(256),hex,map_str(probes.map)
  http-request del-header ${probe}
  http-request capture req.fhdr(user-agent) len 256
  http-request set-var(txn.agent) req.fhdr(user-agent),lower,regsub(cubot,,g)
  acl is_probe var(txn.probe) -m found
  acl is_alone var(txn.probe) -m str s c
  acl has_agent req.fhdr(user-agent) -m len 1:8192
  acl names_bot var(txn.agent) -m sub ${BOTS.map(({ word }) => quoted(word)).join(' ')}
  acl wants_upgrade req.hdr(connection),lower -m sub upgrade
  acl wants_h2c req.hdr(upgrade),lower -m str h2c
  http-request set-var(txn.upgrade) str(y) if wants_upgrade !wants_h2c { req.hdr(upgrade) -m found }
  http-request del-header Upgrade if wants_h2c

${SEATING.replaceAll('SIGN', sign)}
  # What the release is told.
  acl behind_tls req.fhdr(x-forwarded-proto) -m str https
  http-request set-var(txn.secure) str("; Secure") if behind_tls
  http-request set-header X-Forwarded-Proto http unless behind_tls
  http-request set-header X-Forwarded-Host %[req.fhdr(host)] unless { req.fhdr(x-forwarded-host) -m found }
  http-request set-var(txn.from) req.fhdr(x-forwarded-for)
  http-request set-header X-Forwarded-For "%[var(txn.from)], %[src]" if { var(txn.from) -m found }
  http-request set-header X-Forwarded-For %[src] unless { var(txn.from) -m found }
  http-request del-header X-Shadow
  http-request set-header X-Holdfast-Visitor citizen
  http-request set-header X-Holdfast-Visitor bot if names_bot
  http-request set-header X-Holdfast-Visitor bot unless has_agent
  http-request set-header X-Holdfast-Visitor probe if is_probe
  http-request replace-header Cookie '^${SEAT_COOKIE}=[^;]*(; *)?(.*)$' '\\2'
  http-request replace-header Cookie '^(.*); *${SEAT_COOKIE}=[^;]*(.*)$' '\\1\\2'
  http-request del-header Cookie if { req.fhdr(cookie) -m len 0 }

  # Pages with a success marker are held back until they can be searched.
  acl is_page status 200:203 205:299
  acl is_packed res.hdr(content-encoding) -m found
  http-response wait-for-body time ${options.answerMs}ms at-least ${LOOKED_AT_BYTES} if has_marker is_page !is_packed
  http-response set-var(txn.seen) res.body_len if has_marker is_page !is_packed
${markers.map((index) => `  http-response set-var(txn.found) str(y) if { var(txn.step) -m str ${index}m } is_page !is_packed { res.body -m reg -f marker-${index}.lst }`).join('\n')}

  # An answer for everybody must not carry one citizen's seat into a shared cache.
  acl is_shared res.fhdr(cache-control),lower -m sub public s-maxage
  acl is_reseated var(txn.signed) -m found
  http-after-response add-header Set-Cookie "${SEAT_COOKIE}=%[var(txn.signed)]; Path=/; HttpOnly; SameSite=Lax%[var(txn.secure)]" if is_reseated is_step
  http-after-response add-header Set-Cookie "${SEAT_COOKIE}=%[var(txn.signed)]; Path=/; HttpOnly; SameSite=Lax%[var(txn.secure)]" if is_reseated !is_step !is_shared

  use_backend nobody if { var(txn.slot) -m str none }
  use_backend %[var(txn.slot)] if is_alone
  use_backend %[var(txn.slot),concat(_ws)] if { var(txn.upgrade) -m found }
  use_backend %[var(txn.slot),concat(_cit)]
  default_backend nobody
`
}

/**
 * The seat: `v1.id.arm.generation.settled.share.release.at` and its signature. txn.case is what src/core/traffic/seat.ts decides:
 * new, keep, settle, move, follow (its release changed arms) or again (its release is gone).
 */
const SEATING = `  # What is in force, as one value: no request sees half of a change.
  http-request set-var(txn.rules) str(now),map_str(rules.map)
  http-request set-var(txn.weight) var(txn.rules),field(1,.)
  http-request set-var(txn.generation) var(txn.rules),field(2,.)
  http-request set-var(txn.movefrom) var(txn.rules),field(3,.)
  http-request set-var(txn.stable) var(txn.rules),field(4,.)
  http-request set-var(txn.stableslot) var(txn.rules),field(5,.)
  http-request set-var(txn.canary) var(txn.rules),field(6,.)
  http-request set-var(txn.canaryslot) var(txn.rules),field(7,.)
  http-request set-var(txn.now) date

  # The seat that the citizen brings, if we signed it and it is not too old.
  http-request set-var(txn.cookie) req.cook(${SEAT_COOKIE})
  http-request set-var(txn.seat) var(txn.cookie),field(1,.,8)
  http-request set-var(txn.mac) var(txn.cookie),field(9,.)
  http-request set-var(txn.ours) var(txn.seat),SIGN
  http-request set-var(txn.at) var(txn.seat),field(8,.)
  acl is_ours var(txn.mac),secure_memcmp(txn.ours) -m bool
  acl is_old var(txn.now),sub(txn.at) gt ${SEAT_MS_MAX / 1_000}
  acl is_early var(txn.at),sub(txn.now) gt ${SEAT_MS_MAX / 1_000}
  http-request set-var(txn.case) str(new)
  http-request set-var(txn.case) str(keep) if is_ours !is_old !is_early
  acl is_new var(txn.case) -m str new
  http-request set-var(txn.id) var(txn.seat),field(2,.) unless is_new
  http-request set-var(txn.arm) var(txn.seat),field(3,.) unless is_new
  http-request set-var(txn.counted) var(txn.seat),field(4,.) unless is_new
  http-request set-var(txn.settled) var(txn.seat),field(5,.) unless is_new
  http-request set-var(txn.share) var(txn.seat),field(6,.) unless is_new
  http-request set-var(txn.release) var(txn.seat),field(7,.) unless is_new

  # What becomes of it.
  acl on_canary var(txn.arm) -m str c
  http-request set-var(txn.mine) var(txn.stable)
  http-request set-var(txn.other) var(txn.canary)
  http-request set-var(txn.mine) var(txn.canary) if on_canary
  http-request set-var(txn.other) var(txn.stable) if on_canary
  acl is_home var(txn.release),strcmp(txn.mine) eq 0
  acl is_there var(txn.release),strcmp(txn.other) eq 0
  acl is_settled var(txn.settled),sub(txn.generation) ge 0
  acl is_moved var(txn.arm),strcmp(txn.movefrom) eq 0
  acl nowhere var(txn.other) -m str none
  http-request set-var(txn.case) str(settle) if !is_new is_home !is_settled
  http-request set-var(txn.case) str(move) if !is_new is_home !is_settled is_moved !nowhere
  http-request set-var(txn.case) str(again) if !is_new !is_home
  http-request set-var(txn.case) str(follow) if !is_new !is_home is_there
  acl is_kept var(txn.case) -m str keep
  acl is_again var(txn.case) -m str again
  acl is_thrown var(txn.case) -m str new again
  acl crosses var(txn.case) -m str move follow
  acl leaves_trial var(txn.case) -m str again follow
  # The coin.
  http-request set-var(txn.id) uuid if is_new
  http-request set-var(txn.at) var(txn.now) if is_new
  http-request set-var(txn.counted) var(txn.generation) if is_new
  http-request set-var(txn.share) var(txn.weight) if is_thrown
  http-request set-var(txn.coin) rand(1000000),sub(txn.weight) if is_thrown
  http-request set-var(txn.arm) str(s) if is_thrown
  http-request set-var(txn.arm) str(c) if is_thrown { var(txn.coin) -m int lt 0 }
  # The other arm.
  http-request set-var(txn.to) str(c)
  http-request set-var(txn.to) str(s) if on_canary
  http-request set-var(txn.arm) var(txn.to) if crosses
  http-request set-var(txn.release) var(txn.stable) unless is_kept
  http-request set-var(txn.release) var(txn.canary) if !is_kept on_canary
  # Half a journey may lie on another release: what comes now proves nothing.
  http-request set-var(txn.outside) var(txn.generation),sub(1)
  acl counts_earlier var(txn.counted),sub(txn.outside) lt 0
  http-request set-var(txn.counted) var(txn.outside) if leaves_trial !counts_earlier
  http-request set-var(txn.settled) var(txn.generation) unless is_kept
  http-request set-var(txn.seat) str(v1.),concat(,txn.id,.),concat(,txn.arm,.),concat(,txn.counted,.),concat(,txn.settled,.),concat(,txn.share,.),concat(,txn.release,.),concat(,txn.at) unless is_kept
  http-request set-var(txn.mac) var(txn.seat),SIGN unless is_kept
  http-request set-var(txn.signed) var(txn.seat),concat(.,txn.mac) unless is_kept
  # A probe may name its arm.
  http-request set-var(txn.arm) var(txn.probe) if is_alone
  http-request set-var(txn.slot) var(txn.stableslot)
  http-request set-var(txn.slot) var(txn.canaryslot) if on_canary
`

/** One line of JSON for each answer; lines.ts reads it. No address and no path of a citizen is in it. */
const LOG_FORMAT = [
  '{"n":%lc,"p":%pid,"d":%Ts%ms,"h":%Th,"i":%Ti,"R":%TR,"w":%Tw,"c":%Tc,"r":%Tr,"a":%Ta,"t":"%ts","z":%ST,"B":%B,"U":%U,"y":"%rc",',
  '"b":"%b","s":"%s","k":"STEPS","e":"%[var(txn.step)]","q":"%[var(txn.seat)]","o":"%[var(txn.arm)]","v":"%[var(txn.probe)]",',
  '"m":"%[var(txn.found)]","l":"%[var(txn.seen)]","g":"%[capture.req.hdr(0),json(utf8s)]"}',
].join('')

function backend(name: string, healthPath: string, desired: Desired | null): string {
  const servers = desired?.servers.filter((server) => server.backend === name) ?? []
  const lines = servers.map(
    ({ name: id, address, options, ready }) => `  server ${id} ${address} ${options}${ready ? '' : ' disabled'}`,
  )
  // A probe that names its arm is told at once when nobody is there.
  const alone = name.length === 1 ? '  retries 0\n' : ''
  const check = `  option httpchk\n  http-check send meth GET uri ${quoted(healthPath)} hdr user-agent holdfast-haproxy\n  http-check expect status 200-299\n`
  return `backend ${name}\n${alone}${check}${lines.map((line) => `${line.trimEnd()}\n`).join('')}`
}

function probesMap({ probe }: TrafficConfig): string {
  if (probe.secret === '') return ''
  const digest = (value: string) => createHash('sha256').update(value).digest('hex').toUpperCase()
  const lines = [
    [probeValue(probe), 'any'],
    [probeValue(probe, 'stable'), 's'],
    [probeValue(probe, 'canary'), 'c'],
  ]
  return lines.map(([value, says]) => `${digest(value!)} ${says}\n`).join('')
}

const ERROR_PAGES: readonly (readonly [number, Page])[] = [
  [400, PAGES.refused],
  [408, PAGES.stalled],
  [500, PAGES.broken],
  [502, PAGES.broken],
  [503, PAGES.unavailable],
  [504, PAGES.late],
]

function rawPage(page: Page): string {
  const body = pageHtml(page)
  const list = pageHeaders(page, body, false)
  const headers = list.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${list[i + 1]}`] : []))
  return [`HTTP/1.1 ${page.status} ${STATUS_CODES[page.status]}`, ...headers, '', body].join('\r\n')
}

/** For what we made ourselves or have checked to be printable. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"$]/g, (letter) => `\\${letter}`)}"`
}
