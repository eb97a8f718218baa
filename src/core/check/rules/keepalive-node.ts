import { isNotProduction } from '../detect.ts'
import type { Source } from '../formats/node.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const keepaliveNode: Rule = {
  id: 'keepalive-node',
  question: 5,
  title: 'The server keeps idle connections longer than the load balancer',
  formats: ['node-server'],
  severity: 'warn',
  reach: 3,
  harm: 'Now and then the balancer sends a request on a connection that the server is just closing, and a citizen sees "502 Bad Gateway".',
  defaults:
    'Node closes an idle connection after 5 s (keepAliveTimeout); an Application Load Balancer keeps it for 60 s.',
  fix: 'server.keepAliveTimeout = 65_000 and server.headersTimeout = 66_000.',
  cites: 'Node.js documentation: server.keepAliveTimeout; Elastic Load Balancing: idle timeout',
  bad: {
    'server.js': "import { createServer } from 'node:http'\ncreateServer(app).listen(8080)\n",
    'lb.tf': 'resource "aws_lb" "main" {\n  idle_timeout = 60\n}\n',
  },
  good: {
    'server.js':
      "import { createServer } from 'node:http'\nconst server = createServer(app).listen(8080)\nserver.keepAliveTimeout = 65_000\nserver.headersTimeout = 66_000\n",
    'lb.tf': 'resource "aws_lb" "main" {\n  idle_timeout = 60\n}\n',
  },
  *check(world): Iterable<Verdict> {
    const balanced = world.cloud.some(
      (resource) =>
        (resource.type === 'load-balancer' || resource.type === 'target-group') && !isNotProduction(resource.src.file),
    )
    if (!balanced) return
    const servers = world
      .sources('node-server')
      // Fastify sets 72 s by itself.
      .filter((src) => /createServer|express\(|\.listen\(/i.test(src.text) && !/fastify/i.test(src.text))
    for (const src of servers) {
      const match = /keepAliveTimeout\s*[:=]\s*([\d_]+)/.exec(src.text)
      if (match) {
        const ms = Number(match[1]!.replaceAll('_', ''))
        const at = spot(src, match.index)
        if (ms <= 60_000)
          yield fail(at, `The server closes idle connections after ${ms / 1_000} s, the balancer after 60 s.`, {
            arithmetic: `keepAliveTimeout ${ms / 1_000} s ≤ idle time-out 60 s`,
          })
        else yield pass(at)
      } else if (!/keepAliveTimeout/.test(src.text)) {
        const at = /(\.listen|createServer)\s*\(/.exec(src.text)?.index ?? 0
        yield fail(
          spot(src, at),
          'The server closes idle connections after 5 s, which is before the load balancer does.',
          { arithmetic: 'default keepAliveTimeout 5 s < idle time-out 60 s' },
        )
      }
    }
  },
}

function spot(src: Source, at: number) {
  return { file: src.file, ...src.lines.placeOf(at) }
}
