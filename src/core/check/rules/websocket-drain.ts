import { type Directive, directivesWithin } from '../formats/nginx.ts'
import { haproxySeconds } from '../models/front.ts'
import { secondsOf } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const websocketDrain: Rule = {
  id: 'websocket-drain',
  question: 5,
  title: 'Open websockets come to an end when the front is reloaded, and not before requests do',
  formats: ['nginx', 'haproxy'],
  severity: 'warn',
  reach: 2,
  harm: 'Each deployment leaves an old front behind that holds connections to a release which is gone, until the machine has no memory left for citizens.',
  defaults:
    'nginx: worker_shutdown_timeout unset, so workers of before a reload stay as long as their websockets. HAProxy: hard-stop-after unset, so do its processes.',
  fix: 'Set worker_shutdown_timeout (nginx) or hard-stop-after (HAProxy) above the longest request, and let pages connect again when a websocket closes.',
  cites:
    'nginx documentation: worker_shutdown_timeout, websocket proxying; HAProxy documentation: hard-stop-after, timeout tunnel',
  bad: {
    'nginx.conf':
      'http { server { location /live { proxy_pass http://app; proxy_read_timeout 1h; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } } }\n',
  },
  good: {
    'nginx.conf':
      'worker_shutdown_timeout 90s;\nhttp { server { location /live { proxy_pass http://app; proxy_read_timeout 1h; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; } } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const file of world.nginx) {
      const all = [...directivesWithin(file.directives)]
      const upgrade = all.find(isUpgrade)
      if (!upgrade || !all.some(({ name }) => name === 'events' || name === 'http')) continue
      const limit = all.find(({ name }) => name === 'worker_shutdown_timeout')
      const at = { file: file.src.file, ...file.src.lines.placeOf((limit ?? upgrade).at) }
      if (limit && secondsOf(limit.args[0]) !== undefined) yield pass(at)
      else if (!limit)
        yield fail(at, 'Each reload leaves workers behind for as long as somebody keeps a websocket open.', {
          arithmetic: 'worker_shutdown_timeout: default none',
        })
    }
    for (const sections of world.haproxy) {
      const lines = sections.flatMap((section) => section.lines)
      const tunnel = lines.find(({ name, args }) => name === 'timeout' && args[0] === 'tunnel')
      // A part of a configuration says nothing about what its other parts set.
      if (!tunnel || !sections.some(({ kind }) => kind === 'global')) continue
      const stop = lines.find(({ name }) => name === 'hard-stop-after')
      const seconds = haproxySeconds(stop?.args[0])
      if (stop && seconds !== undefined) yield pass(stop.at)
      else if (!stop)
        yield fail(
          tunnel.at,
          `Each reload leaves a process behind until its last websocket has been quiet for ${tunnel.args[1] ?? 'a time without end'}.`,
          { arithmetic: 'hard-stop-after: default none' },
        )
    }
  },
}

/** `proxy_set_header Upgrade …` is how nginx lets a websocket through. */
function isUpgrade(directive: Directive): boolean {
  return directive.name === 'proxy_set_header' && /^upgrade$/i.test(directive.args[0] ?? '')
}
