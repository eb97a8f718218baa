#!/usr/bin/env node
// A tiny world for `holdfast deploy replay`: citizens apply for a payment while a new release is let in beside the old one.
//
//   node examples/worlds/world.js --fault submit:0.2 -- holdfast deploy replay - --closed-loop --json
//     starts the command after --, sends it requests, asks each second what share the new release should get, obeys,
//     and tells at the end how many citizens were hurt.
//
//   node examples/worlds/world.js --fault submit:0.2 --record > stream.ndjson
//     records ten minutes with a tenth of the sessions on the new release instead.
//
// Options: --fault STEP:SHARE   share of attempts at STEP (or "all") that fail on the new release
//          --slow               those attempts are right but take 9 s instead
//          --from SECONDS       when the fault appears          --minutes N    how long the world lasts (default 40)
//          --rate N             sessions a second (default 10)  --outage M     minute in which both releases fail for 3 min
//          --seed N             another world of the same kind
// It is written without Holdfast's code on purpose: write your own like it, in any language.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const STEPS = ['start', 'about-you', 'bank-details', 'check-answers', 'submit']
const P0 = 0.003
const LIMIT_MS = 8_000
const STARTED = Date.UTC(2026, 10, 23, 9, 0, 0)

const argv = process.argv.slice(2)
const cut = argv.indexOf('--')
const flags = cut < 0 ? argv : argv.slice(0, cut)
const command = cut < 0 ? [] : argv.slice(cut + 1)
const flag = (name, otherwise) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : otherwise)
const record = flags.includes('--record')
const [faultStep, faultShare] = (flag('--fault', 'none:0') ?? '').split(':')
const options = {
  step: faultStep,
  share: Number(faultShare ?? 0),
  slow: flags.includes('--slow'),
  fromMs: Number(flag('--from', 0)) * 1_000,
  minutes: Number(flag('--minutes', record ? 10 : 40)),
  rate: Number(flag('--rate', record ? 1 : 10)),
  outage: flags.includes('--outage') ? Number(flag('--outage')) * 60_000 : Number.POSITIVE_INFINITY,
  seed: Number(flag('--seed', 1)),
}

let state = options.seed * 2_654_435_769
function dice() {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
}

const hurt = new Set()
const met = new Set()
let sessions = 0

/** All requests of one citizen's session, each with its moment. */
function session(at, weight) {
  const id = `s${++sessions}`
  const arm = dice() < weight ? 'canary' : 'stable'
  const segment = dice() < 0.7 ? 'phone' : 'desktop'
  const kind = dice() < 0.02 ? 'bot' : 'citizen'
  const requests = []
  let t = at
  for (const step of STEPS) {
    for (let attempt = 0; attempt < 4; attempt++) {
      const outage = t >= options.outage && t < options.outage + 180_000
      const bad = arm === 'canary' && t >= options.fromMs && (options.step === 'all' || options.step === step)
      const hit = dice() < (bad ? options.share : outage ? 0.2 : P0)
      const slow = hit && bad && options.slow
      const ms = Math.round(slow ? LIMIT_MS + 1_000 : 60 + 240 * dice())
      requests.push({ t: t + ms, session: id, arm, journey: 'apply', step, ok: !hit || slow, ms, kind, segment })
      t += ms + 500 + dice() * 2_000
      if (!hit || slow) break
      if (attempt === 3 || dice() < 0.4) return requests
    }
    t += 3_000 + dice() * 15_000
  }
  return requests
}

/** Second by second: sends what has been answered, then asks for the weight. */
async function live(send, ask) {
  const waiting = []
  let weight = record ? 0.1 : 0
  for (let now = 0; now < options.minutes * 60_000; now += 1_000) {
    for (let share = options.rate; share > 0; share -= 1)
      if (dice() < share) waiting.push(...session(now + dice() * 1_000, weight))
    waiting.sort((a, b) => a.t - b.t)
    const due = waiting.findIndex((request) => request.t >= now + 1_000)
    const answered = due < 0 ? waiting.splice(0) : waiting.splice(0, due)
    for (const request of answered) {
      send({ ...request, t: STARTED + Math.round(request.t) })
      if (request.arm !== 'canary' || request.kind !== 'citizen') continue
      met.add(request.session)
      if (!request.ok || request.ms > LIMIT_MS) hurt.add(request.session)
    }
    weight = await ask({ sync: now / 1_000, t: STARTED + now + 1_000 }, weight)
    if (weight === null) return
  }
}

if (record) {
  await live(
    (request) => process.stdout.write(`${JSON.stringify(request)}\n`),
    async (_sync, weight) => weight,
  )
} else if (command.length > 0) {
  const judge = spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: judge.stdout })[Symbol.asyncIterator]()
  let decision = ''
  let last = ''
  await live(
    (request) => judge.stdin.write(`${JSON.stringify(request)}\n`),
    async (sync) => {
      judge.stdin.write(`${JSON.stringify(sync)}\n`)
      const { value, done } = await answers.next()
      if (done) return null
      const answer = JSON.parse(value)
      const now = `${answer.decision} ${answer.weight}`
      if (now !== decision) console.log(`${String(sync.sync).padStart(5)} s  ${now.padEnd(14)}  ${answer.why}`)
      decision = now
      last = answer.decision
      return last === 'rollback' ? null : answer.weight
    },
  )
  judge.stdin.end()
  console.log(`\n${last}: ${met.size} citizens met the new release, ${hurt.size} of them were hurt.`)
} else {
  console.error('Name the judge after --, or say --record. See the first lines of this file.')
  process.exitCode = 2
}
