import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const sessionInMemory: Rule = {
  id: 'session-in-memory',
  question: 12,
  title: 'A half-filled form survives a deployment',
  formats: ['node-server'],
  severity: 'error',
  reach: 3,
  harm: 'Whoever is half-way through the form when a deployment happens loses every answer and starts again.',
  defaults: 'express-session keeps sessions in the memory of one process unless a store is given.',
  fix: 'Give the session a store that outlives the process (Redis, PostgreSQL).',
  cites: 'playbook: what happens to citizens using the service during deployment?',
  bad: {
    'app.js':
      "const session = require('express-session')\napp.use(session({ secret: process.env.SECRET, resave: false }))\napp.listen(8080)\n",
  },
  good: {
    'app.js':
      "const session = require('express-session')\napp.use(session({ store: new RedisStore({ client }), secret: process.env.SECRET, resave: false }))\napp.listen(8080)\n",
  },
  *check(world): Iterable<Verdict> {
    for (const src of world.sources('node-server')) {
      const name = /(?:(\w+)\s*=\s*require\(|import\s+(\w+)\s+from\s+)['"]express-session['"]/.exec(src.text)
      if (!name) continue
      const call = new RegExp(`\\b${name[1] ?? name[2]}\\s*\\(`, 'g')
      for (const match of src.text.matchAll(call)) {
        const at = { file: src.file, ...src.lines.placeOf(match.index) }
        const given = argumentOf(src.text, match.index + match[0].length)
        if (/\bstore\b/.test(given) || !given.trim().startsWith('{')) yield pass(at)
        else yield fail(at, 'Sessions live in the memory of one process: no store is given.')
      }
    }
  },
}

/** The text up to the bracket that closes the call; at most 4,000 characters. */
function argumentOf(text: string, from: number): string {
  let depth = 1
  let at = from
  while (at < text.length && at < from + 4_000 && depth > 0) {
    if (text[at] === '(') depth++
    if (text[at] === ')') depth--
    at++
  }
  return text.slice(from, at)
}
