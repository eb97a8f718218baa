/**
 * Who is asking: a citizen, a bot, or one of our own probes. Only citizens are evidence about a release.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Arm, Visitor } from '../deploy/counts.ts'

/** Words in a User-Agent that no browser of a citizen carries, and where each is documented. */
export const BOTS: readonly { readonly word: string; readonly source: string }[] = [
  {
    word: 'bot',
    source: 'Googlebot, bingbot, AdsBot: developers.google.com/crawling/docs, bing.com/webmasters/help (crawlers)',
  },
  { word: 'crawl', source: 'Common Crawl CCBot and others that name themselves crawler: commoncrawl.org/faq' },
  { word: 'spider', source: 'Baiduspider: help.baidu.com; Sogou web spider' },
  { word: 'slurp', source: 'Yahoo! Slurp: help.yahoo.com' },
  { word: 'facebookexternalhit', source: 'Link previews: developers.facebook.com/docs/sharing/webmasters' },
  { word: 'mediapartners-google', source: 'developers.google.com/crawling/docs' },
  { word: 'google-inspectiontool', source: 'developers.google.com/crawling/docs' },
  { word: 'whatsapp/', source: 'Link previews of WhatsApp; its browser sends the system browser’s own name' },
  { word: 'pingdom', source: 'Uptime checks: documentation.solarwinds.com (Pingdom)' },
  { word: 'statuscake', source: 'Uptime checks: statuscake.com/kb' },
  { word: 'uptimerobot', source: 'Uptime checks: uptimerobot.com/help' },
  { word: 'elb-healthchecker', source: 'AWS load balancer checks: docs.aws.amazon.com/elasticloadbalancing' },
  { word: 'route53-health-check', source: 'Amazon-Route53-Health-Check-Service: docs.aws.amazon.com/Route53' },
  { word: 'googlehc', source: 'Google Cloud load balancer checks: cloud.google.com/load-balancing/docs' },
  { word: 'kube-probe', source: 'Kubernetes probes: kubernetes.io/docs (liveness, readiness)' },
  { word: 'blackbox exporter', source: 'Prometheus blackbox_exporter: github.com/prometheus/blackbox_exporter' },
  { word: 'headlesschrome', source: 'Chrome without a window: developer.chrome.com/docs/chromium/headless' },
  { word: 'lighthouse', source: 'developer.chrome.com/docs/lighthouse' },
  { word: 'curl/', source: 'curl.se/docs/manpage.html (user-agent)' },
  { word: 'wget/', source: 'gnu.org/software/wget/manual' },
  { word: 'python-requests', source: 'requests.readthedocs.io (default headers)' },
  { word: 'go-http-client', source: 'pkg.go.dev/net/http (default User-Agent)' },
  { word: 'apachebench', source: 'httpd.apache.org/docs/current/programs/ab.html' },
  { word: 'zgrab', source: 'github.com/zmap/zgrab2' },
  { word: 'masscan', source: 'github.com/robertdavidgraham/masscan' },
]

// Order matters: Edge, Opera and Samsung call themselves Chrome, and all of these call themselves Safari.
const BROWSERS: readonly (readonly [word: string, segment: string])[] = [
  ['edg', 'edge'],
  ['opr/', 'opera'],
  ['samsungbrowser/', 'samsung'],
  ['firefox/', 'firefox'],
  ['fxios/', 'firefox'],
  ['crios/', 'chrome'],
  ['chrome/', 'chrome'],
  ['safari/', 'safari'],
]

export interface Agent {
  readonly bot: boolean
  /** Browser family, one of eight; '' when unknown. */
  readonly segment: string
}

/** Reads a User-Agent. None at all is a bot: browsers always send one. */
export function agentOf(userAgent: string | undefined): Agent {
  if (!userAgent) return { bot: true, segment: '' }
  const text = userAgent.slice(0, 512).toLowerCase()
  return {
    // "cubot" is a make of phone, whose browsers are citizens'.
    bot: BOTS.some(({ word }) => text.replaceAll('cubot', '').includes(word)),
    segment: BROWSERS.find(([word]) => text.includes(word))?.[1] ?? '',
  }
}

/** `agentOf` with a memory: a service sees the same few hundred strings all day. Bounded, so that nobody can fill it. */
export function agentReader(namesMax = 1_000): (userAgent: string | undefined) => Agent {
  const known = new Map<string, Agent>()
  return (userAgent) => {
    const name = userAgent ?? ''
    let agent = known.get(name)
    if (!agent) {
      agent = agentOf(userAgent)
      if (known.size >= namesMax) known.clear()
      known.set(name, agent)
    }
    return agent
  }
}

export interface Probe {
  /** The arm that the probe asks for by name; absent: it takes its chance like anybody. */
  readonly arm?: Arm
}

/** Header and value that mark our own synthetic journeys. */
export interface ProbeMark {
  readonly header: string
  readonly secret: string
}

/** Value for the probe header: the secret, and the arm to verify in private. */
export function probeValue(probe: ProbeMark, arm?: Arm): string {
  return arm ? `${probe.secret};arm=${arm}` : probe.secret
}

/** Reads the probe header. The secret is compared in constant time; a wrong one is an ordinary visitor. */
export function probeReader(probe: ProbeMark): (value: string | undefined) => Probe | undefined {
  const wanted = digestOf(probe.secret)
  return (value) => {
    if (value === undefined || probe.secret === '') return undefined
    const arm = /;arm=(stable|canary)$/.exec(value)?.[1] as Arm | undefined
    const secret = arm ? value.slice(0, -`;arm=${arm}`.length) : value
    if (!timingSafeEqual(digestOf(secret), wanted)) return undefined
    return arm ? { arm } : {}
  }
}

export function visitorOf(probe: Probe | undefined, agent: Agent): Visitor {
  return probe ? 'probe' : agent.bot ? 'bot' : 'citizen'
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
