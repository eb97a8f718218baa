import { child, fields } from '../formats/node.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'

const HANDLES = /SIGTERM|terminus|lightship|close-?with-?grace|http-terminator|stoppable|graceful/i

export const nodeSigterm: Rule = {
  id: 'node-sigterm',
  question: 5,
  title: 'The server finishes its requests when it is told to stop',
  formats: ['node-server'],
  severity: 'warn',
  reach: 3,
  harm: 'At each deployment the requests that are under way end in an error, also the one that was saving an application.',
  defaults: 'Node ends at once on SIGTERM unless somebody listens for it.',
  fix: "process.on('SIGTERM', () => server.close()) and let what is under way end.",
  cites: 'Node.js documentation: process signal events',
  bad: { 'server.js': "require('node:http').createServer((q, s) => s.end('ok')).listen(8080)\n" },
  good: {
    'server.js':
      "const server = require('node:http').createServer((q, s) => s.end('ok')).listen(8080)\nprocess.on('SIGTERM', () => server.close())\n",
  },
  *check(world): Iterable<Verdict> {
    const servers = world.sources('node-server').filter((src) => /\.listen\s*\(/.test(src.text))
    if (servers.length === 0) return
    const helped = world
      .documents('package-json')
      .some(({ root }) => fields(child(root, 'dependencies')).some(([name]) => HANDLES.test(name)))
    const handled = helped || world.sources('node-server').some((src) => HANDLES.test(src.text))
    for (const src of servers) {
      const at = { file: src.file, ...src.lines.placeOf(src.text.search(/\.listen\s*\(/)) }
      if (handled) yield pass(at)
      else if (/(?:require\(|from\s+)['"]\.{1,2}\//.test(src.text))
        yield cannotTell(at, 'Nothing here listens for SIGTERM.', 'whether a module that this file loads does')
      else yield fail(at, 'The process ends at once on SIGTERM, with its requests in it.')
    }
  },
}
