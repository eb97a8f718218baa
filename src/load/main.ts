/**
 * The crowd as a program: prints the request stream of DESIGN.md, one JSON line a request, and at the end the summary.
 *
 *   node main.js --url http://127.0.0.1:8080 --script CITIZENS --rate 70 --seed 1 --seconds 60 --canary r3
 *
 * `--script` is a module that exports `citizens`, a Script. The summary is a last line {"summary": …}; with --quiet it is the
 * only one. The first SIGINT or SIGTERM lets the people under way finish, the second cuts them.
 */
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { EXIT, messageOf } from '../core/errors.ts'
import { startCrowd } from './crowd.ts'
import type { Script } from './script.ts'
import type { Seen } from './visit.ts'

const FLAGS = {
  url: { type: 'string' },
  script: { type: 'string' },
  rate: { type: 'string', default: '70' },
  seed: { type: 'string', default: '1' },
  seconds: { type: 'string' },
  sessions: { type: 'string' },
  pace: { type: 'string', default: '1' },
  'limit-ms': { type: 'string', multiple: true, default: [] as string[] },
  canary: { type: 'string', default: '' },
  quiet: { type: 'boolean', default: false },
} as const

async function main(): Promise<void> {
  const { values } = parseArgs({ options: FLAGS })
  if (!values.url || !values.script) throw new Error('--url and --script are needed.')
  const { citizens } = (await import(pathToFileURL(resolve(values.script)).href)) as { citizens?: Script }
  if (!citizens) throw new Error(`${values.script} does not export "citizens".`)
  const crowd = startCrowd({
    url: values.url,
    script: citizens,
    ratePerSecond: numberOf('rate', values.rate, 0.1, 10_000),
    seed: numberOf('seed', values.seed, 0, 2 ** 32 - 1),
    pace: numberOf('pace', values.pace, 0, 1_000),
    limitsMs: Object.fromEntries(values['limit-ms'].map(limitOf)),
    ...(values.seconds && { durationMs: 1_000 * numberOf('seconds', values.seconds, 0.1, 1e7) }),
    ...(values.sessions && { sessionsMax: numberOf('sessions', values.sessions, 1, 1e9) }),
    onRequest: (seen) => {
      if (!values.quiet && seen.counted) process.stdout.write(`${lineOf(seen, values.canary)}\n`)
    },
  })
  const stop = () => void crowd.stop()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stop()
      process.once(signal, () => void crowd.stop(0))
    })
  }
  // Who reads us has gone: so do we.
  process.stdout.on('error', () => process.exit(EXIT.done))
  process.stdout.write(`${JSON.stringify({ summary: await crowd.done })}\n`)
}

function lineOf(seen: Seen, canary: string): string {
  const { t, session, journey, step, ok, ms, kind, segment } = seen
  const arm = canary !== '' && seen.release === canary ? 'canary' : 'stable'
  return JSON.stringify({ t, session, arm, journey, step, ok, ms, kind, segment })
}

function numberOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (!(value >= min && value <= max)) throw new Error(`--${flag} must be a number from ${min} to ${max}.`)
  return value
}

function limitOf(text: string): [string, number] {
  const [step = '', ms = ''] = text.split('=')
  if (!step.includes('/')) throw new Error('--limit-ms is written journey/step=ms.')
  return [step, numberOf('limit-ms', ms, 1, 600_000)]
}

try {
  await main()
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = EXIT.usage
}
