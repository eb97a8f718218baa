import { type Directive, directivesWithin } from '../formats/nginx.ts'
import { haproxySeconds, requestDirectives } from '../models/front.ts'
import { secondsOf } from '../models/value.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const frontShutdown: Rule = {
  id: 'front-shutdown',
  question: 5,
  title: 'Reloading the front does not cut requests off',
  formats: ['nginx', 'haproxy'],
  severity: 'error',
  reach: 3,
  harm: 'Whenever the front is reloaded, requests that it would still wait for are cut off.',
  defaults:
    'nginx waits without end (worker_shutdown_timeout unset), proxy_read_timeout 60 s; HAProxy waits without end (hard-stop-after unset).',
  fix: 'Make worker_shutdown_timeout or hard-stop-after longer than the longest read time-out.',
  cites: 'nginx documentation: worker_shutdown_timeout; HAProxy documentation: hard-stop-after',
  bad: {
    'nginx.conf':
      'worker_shutdown_timeout 10s;\nhttp { server { location / { proxy_pass http://app; proxy_read_timeout 60s; } } }\n',
  },
  good: {
    'nginx.conf':
      'worker_shutdown_timeout 90s;\nhttp { server { location / { proxy_pass http://app; proxy_read_timeout 60s; } } }\n',
  },
  *check(world): Iterable<Verdict> {
    for (const file of world.nginx) {
      const all = [...directivesWithin(file.directives)]
      const limit = all.find((directive) => directive.name === 'worker_shutdown_timeout')
      const reads = [...requestDirectives(file.directives)]
        .filter((directive) => directive.name === 'proxy_read_timeout')
        .map((directive) => secondsOf(directive.args[0]) ?? 0)
      if (!limit || !all.some((directive: Directive) => directive.name === 'proxy_pass')) continue
      const seconds = secondsOf(limit.args[0])
      const longest = Math.max(60, ...reads)
      if (seconds === undefined) continue
      const at = { file: file.src.file, ...file.src.lines.placeOf(limit.at) }
      const arithmetic = `worker_shutdown_timeout ${seconds} s < proxy_read_timeout ${reads.length > 0 ? longest : `default ${longest}`} s`
      if (seconds < longest)
        yield fail(at, `A reload cuts requests off after ${seconds} s that may take ${longest} s.`, { arithmetic })
      else yield pass(at)
    }
    for (const sections of world.haproxy) {
      const lines = sections.flatMap((section) => section.lines)
      const stop = lines.find((line) => line.name === 'hard-stop-after')
      const server = lines
        .filter((line) => line.name === 'timeout' && line.args[0] === 'server')
        .map((line) => haproxySeconds(line.args[1]))
      const seconds = haproxySeconds(stop?.args[0])
      const longest = Math.max(0, ...server.map((value) => value ?? 0))
      if (!stop || seconds === undefined || longest === 0) continue
      if (seconds < longest)
        yield fail(stop.at, `A reload cuts requests off after ${seconds} s that may take ${longest} s.`, {
          arithmetic: `hard-stop-after ${seconds} s < timeout server ${longest} s`,
        })
      else yield pass(stop.at)
    }
  },
}
