/** The sample service, each release as a real process on a real PostgreSQL. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { serverOf } from '../examples/heating-payment/app/server.ts'
import { citizenScript } from '../examples/heating-payment/citizens.ts'
import { RELEASES } from '../examples/heating-payment/releases/index.ts'
import { runner } from '../src/entry.ts'
import { hiddenFieldsOf } from '../src/load/browser.ts'
import { startCrowd } from '../src/load/crowd.ts'
import type { Script } from '../src/load/script.ts'
import type { Summary } from '../src/load/tally.ts'
import type { Ended } from '../src/load/visit.ts'
import {
  ABOUT_YOU,
  assertLeads,
  BANK_DETAILS,
  fillIn,
  type HeatingWorld,
  newCitizen,
  openHeating,
  referenceIn,
  YOUR_HOME,
} from './heating-world.ts'

/** A crowd in which several have a roll number. */
const SEED = 7
const LETTERS_NOW = 'UPDATE letter_batches SET next_at = now()'
const LETTERS_LATER = "UPDATE letter_batches SET next_at = now() + interval '1 day'"

describe('the sample service', () => {
  let world: HeatingWorld
  let r1: URL
  let r2: URL
  before(async () => {
    world = await openHeating(['main', 'young', 'dropped'])
    await world.migrate('main', 'r2')
    await world.query('main', LETTERS_LATER)
    r1 = await world.serve('r1', 'main')
    r2 = await world.serve('r2', 'main')
  })
  after(() => world?.close())

  /** Forty citizens walk through a release without a pause. */
  async function crowdAt(url: URL, seed: number) {
    const rolls = new Map<string, boolean>()
    const script: Script = citizenScript()
    const ended: Ended[] = []
    const watched: Script = {
      requestsMean: script.requestsMean,
      visit(n, chance) {
        const visit = script.visit(n, chance)
        const bank = visit.steps.find(({ step }) => step === 'bank-details')
        rolls.set(`s${seed}-${n}`, Boolean(bank?.form?.rollNumber))
        return visit
      },
    }
    const summary: Summary = await startCrowd({
      url: url.href,
      script: watched,
      seed,
      ratePerSecond: 400,
      sessionsMax: 40,
      pace: 0,
      onSession: (one) => ended.push(one),
    }).done
    const withRoll = [...rolls].filter(([, roll]) => roll).map(([session]) => session)
    assert.ok(withRoll.length >= 3, 'the crowd has people with a roll number')
    return {
      summary,
      ended,
      withRoll: withRoll.sort(),
      harmed: ended
        .filter(({ harmed }) => harmed)
        .map(({ session }) => session)
        .sort(),
    }
  }

  for (const name of ['r1', 'r2']) {
    test(`${name} serves everybody on the schema of r2, those with a roll number too`, async () => {
      const { summary, harmed } = await crowdAt(name === 'r1' ? r1 : r2, SEED)
      assert.deepEqual(harmed, [])
      assert.equal(summary.failedByDeployment, 0)
      assert.deepEqual(Object.keys(summary.releases), [name])
      const rows = await world.query<{ town: string }>('main', 'SELECT town FROM applications WHERE release = $1', [
        name,
      ])
      assert.ok(rows.length >= 15)
    })
  }

  test('r3 fails exactly those who have a roll number, and only when they submit', async () => {
    const { ended, harmed, withRoll } = await crowdAt(await world.serve('r3', 'main'), SEED)
    assert.deepEqual(harmed, withRoll)
    const steps = ended.flatMap(({ harmed: where }) => (where ? [`${where.step} ${where.trouble}`] : []))
    assert.deepEqual([...new Set(steps)], ['submit status'])
    const log = (await world.runtime.logs('r3', 65_536)) as string
    assert.match(log, /Cannot convert .* to a BigInt/)
  })

  test('r4 lets citizens wait for the printing of their letter, r2 does not', async () => {
    const r4 = await world.serve('r4', 'main')
    const quick = newCitizen()
    await fillIn(quick, r2)
    assertLeads(await quick.post(r2, '/apply/submit', {}), '/apply/confirmation')
    const slow = newCitizen()
    await fillIn(slow, r4)
    const submitted = slow.post(r4, '/apply/submit', {})
    let answered = false
    void submitted.then(() => {
      answered = true
    })
    await waiting("SELECT 1 FROM applications WHERE release = 'r4'")
    assert.equal(answered, false)
    await world.query('main', LETTERS_NOW)
    assertLeads(await submitted, '/apply/confirmation')
    const [letter] = await world.query<{ print_job: string }>(
      'main',
      "SELECT print_job FROM letters NATURAL JOIN applications WHERE release = 'r4'",
    )
    assert.match(letter!.print_job, /^P\d{9}$/)
    await world.query('main', LETTERS_LATER)
  })

  test('a replica that is stopped finishes the request it has, and then is gone', async () => {
    const r4 = await world.serve('r4', 'main')
    await world.query('main', LETTERS_LATER)
    const citizen = newCitizen()
    await fillIn(citizen, r4)
    const submitted = citizen.post(r4, '/apply/submit', {})
    await waiting(
      "SELECT 1 FROM letters WHERE print_job IS NULL AND reference IN (SELECT reference FROM applications WHERE release = 'r4')",
    )
    const stopped = world.runtime.stop('r4', 1)
    await waiting('SELECT 1', async () => /"stopping"/.test(String(await world.runtime.logs('r4'))))
    await world.query('main', "UPDATE letters SET print_job = 'P1'")
    assertLeads(await submitted, '/apply/confirmation')
    assert.equal(await stopped, 'stopped')
    assert.match(String(await world.runtime.logs('r4')), /"event":"stopped"/)
  })

  test('r5 does not start, and says which setting is missing', async () => {
    const answer = await world.start('r5', 'main')
    assert.ok(!answer.started)
    assert.match(answer.why, /exit code 1/)
    assert.match(answer.logTail, /BENEFITS_REGISTER_URL/)
  })

  test('a release without its schema is alive, but not ready, and gets ready when the schema comes', async () => {
    assert.deepEqual(await world.migrate('young', 'r1'), ['0001_applications', '0002_cold_spells'])
    const pool = new pg.Pool({ connectionString: world.url('young'), max: 2 })
    const service = { pool, secret: 'x'.repeat(32), secureCookies: true, now: Date.now, log: () => {} }
    const app = await serverOf({ ...service, release: RELEASES.r2! })
    try {
      assert.equal((await app.inject('/health/live')).statusCode, 200)
      const early = await app.inject('/health/ready')
      assert.deepEqual([early.statusCode, early.json().why], [503, 'missing: applications.contact_phone'])
      assert.deepEqual(await world.migrate('young', 'r2'), ['0003_contact_phone'])
      assert.deepEqual(await world.migrate('young', 'r2'), [], 'the second time there is nothing to do')
      assert.equal((await app.inject('/health/ready')).statusCode, 200)
      const cookie = String((await app.inject('/apply/about-you')).headers['set-cookie'])
      assert.match(cookie, /; HttpOnly; Secure; SameSite=Lax$/)
    } finally {
      await app.close()
      await pool.end()
    }
  })

  test('what r6 drops is still written by the release that runs, which is why r6 must be refused', async () => {
    await world.migrate('dropped', 'r2')
    await world.runtime.stop('r1', 1)
    const old = await world.serve('r1', 'dropped')
    try {
      await world.migrate('dropped', 'r6')
      const citizen = newCitizen()
      await fillIn(citizen, old)
      assert.equal((await citizen.post(old, '/apply/submit', {})).status, 500)
    } finally {
      await world.runtime.stop('r1', 1)
      r1 = await world.serve('r1', 'main')
    }
  })

  test('two releases share a draft: a citizen may meet either at each step', async () => {
    const citizen = newCitizen()
    await citizen.get(r1, '/')
    await citizen.get(r2, '/apply/about-you')
    assertLeads(
      await citizen.post(r2, '/apply/about-you', { ...ABOUT_YOU, phone: '01632 960 001' }),
      '/apply/your-home',
    )
    assertLeads(await citizen.post(r1, '/apply/your-home', YOUR_HOME), '/apply/bank-details')
    assertLeads(await citizen.post(r2, '/apply/bank-details', BANK_DETAILS), '/apply/check-answers')
    assert.match((await citizen.get(r1, '/apply/check-answers')).body, /7 March 1958/)
    // The older release saves a page again; what only the newer one knows stays.
    assertLeads(await citizen.post(r1, '/apply/about-you', ABOUT_YOU), '/apply/check-answers')
    assert.match((await citizen.get(r2, '/apply/check-answers')).body, /01632 960 001/)
    assertLeads(await citizen.post(r2, '/apply/submit', {}), '/apply/confirmation')
    const reference = referenceIn(await citizen.get(r1, '/apply/confirmation'))
    assert.match((await citizen.get(r2, `/status/${reference}`)).body, /Your application/)
    const [row] = await world.query('main', 'SELECT release, contact_phone FROM applications WHERE reference = $1', [
      reference,
    ])
    assert.deepEqual(row, { release: 'r2', contact_phone: '01632 960 001' })
  })

  test('pressing submit five times, at two replicas at once, is one application', async () => {
    const citizen = newCitizen()
    await fillIn(citizen, r1)
    const [{ count: before }] = (await world.query<{ count: string }>('main', 'SELECT count(*) FROM applications')) as [
      { count: string },
    ]
    const answers = await Promise.all([r1, r2, r1, r2, r1].map((at) => citizen.post(at, '/apply/submit', {})))
    for (const answer of answers) assertLeads(answer, '/apply/confirmation')
    const [{ count: after }] = (await world.query<{ count: string }>('main', 'SELECT count(*) FROM applications')) as [
      { count: string },
    ]
    assert.equal(Number(after), Number(before) + 1)
    const reference = referenceIn(await citizen.get(r2, '/apply/confirmation'))
    assertLeads(await citizen.post(r1, '/apply/submit', {}), '/apply/confirmation')
    assert.equal(referenceIn(await citizen.get(r1, '/apply/confirmation')), reference)
    assertLeads(await citizen.get(r1, '/apply/about-you'), '/apply/confirmation')
    assertLeads(await citizen.post(r1, '/apply/about-you', ABOUT_YOU), '/apply/confirmation')
    // Another application begins with another session.
    assertLeads(await citizen.get(r1, '/apply/again'), '/')
    assert.equal((await citizen.get(r1, '/apply/about-you')).status, 200)
  })

  test('the decision and its reasons are on the confirmation and the status page, and nobody’s name is on the latter', async () => {
    const citizen = newCitizen()
    await fillIn(citizen, r1)
    await citizen.post(r1, '/apply/submit', {})
    const confirmation = await citizen.get(r1, '/apply/confirmation')
    assert.match(confirmation.body, /Application received/)
    assert.match(confirmation.body, /You get a benefit that qualifies\./)
    const status = await citizen.get(r1, `/status/${referenceIn(confirmation)}`)
    assert.match(status.body, /in the NE postcode area/)
    assert.doesNotMatch(status.body, /Verma|Quayside|12345678/)
    const reference = referenceIn(confirmation)
    assertLeads(
      await citizen.get(r1, `/status?reference=${reference.toLowerCase().replaceAll('-', '+')}`),
      `/status/${reference}`,
    )
    assert.equal((await citizen.get(r1, '/status/HP-2222-2222')).status, 404)
    assert.equal((await citizen.get(r1, '/status?reference=mine')).status, 422)
  })

  test('a mistake comes back with a summary, the fields as they were typed, and nothing is saved', async () => {
    const citizen = newCitizen()
    await citizen.get(r1, '/apply/about-you')
    const typed = {
      ...ABOUT_YOU,
      fullName: '"><script>alert(1)</script>',
      'born-month': '13',
      benefits: ['none', 'pension-credit'],
    }
    const { status, body } = await citizen.post(r1, '/apply/about-you', typed)
    assert.equal(status, 422)
    assert.match(body, /<title>Error: About you/)
    assert.match(body, /There is a problem/)
    assert.match(body, /href="#born-day">Date of birth must be a real date/)
    assert.match(body, /href="#benefits">Select what applies, or select ‘None of these’/)
    assert.match(body, /value="&quot;&gt;&lt;script&gt;/)
    assert.match(body, /value="13"/)
    assert.doesNotMatch(body, /<script/)
    assertLeads(await citizen.get(r1, '/apply/check-answers'), '/apply/about-you')
    assertLeads(await citizen.post(r1, '/apply/submit', {}), '/apply/about-you')
  })

  test('a form that was not shown in this session is not taken', async () => {
    const stranger = newCitizen()
    assert.equal((await stranger.post(r1, '/apply/about-you', ABOUT_YOU)).status, 403)
    await stranger.get(r1, '/apply/about-you')
    const victim = newCitizen()
    await fillIn(victim, r1)
    for (const token of ['', 'x', hiddenFieldsOf((await stranger.get(r1, '/apply/about-you')).body).token!]) {
      assert.equal((await victim.post(r1, '/apply/submit', { token })).status, 403)
    }
    assertLeads(await victim.get(r1, '/apply/confirmation'), '/apply/check-answers')
  })

  test('a cookie that we did not sign opens no draft', async () => {
    const answer = await fetch(new URL('/apply/check-answers', r1), {
      headers: { cookie: 'heating_session=AAAAAAAAAAAAAAAAAAAAAA.forged' },
      redirect: 'manual',
    })
    assert.deepEqual([answer.status, answer.headers.get('location')], [303, '/'])
  })

  test('hostile requests get a short no', async () => {
    const post = (headers: Record<string, string>, body: string) =>
      fetch(new URL('/apply/about-you', r1), { method: 'POST', headers, body })
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    assert.equal((await post(form, `fullName=${'x'.repeat(20_000)}`)).status, 413)
    assert.equal((await post({ 'content-type': 'application/xml' }, '<a/>')).status, 415)
    assert.equal((await post({ ...form, cookie: 'heating_session=%' }, '%E0%A4%A=1&__proto__=1')).status, 403)
    assert.equal((await fetch(new URL('/status/%00', r1))).status, 404)
    assert.equal((await fetch(new URL(`/status/${'x'.repeat(5_000)}`, r1))).status >= 400, true)
    assert.equal((await fetch(new URL('/nope', r1))).status, 404)
  })

  test('every answer says what a browser may do with it, and pages stay in no cache', async () => {
    for (const path of ['/', '/apply/about-you', '/status', '/nope']) {
      const { headers } = await fetch(new URL(path, r1))
      assert.match(headers.get('content-security-policy')!, /default-src 'none'.*frame-ancestors 'none'/)
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(headers.get('x-release'), 'r1')
    }
    const css = await fetch(new URL('/assets/service.css?v=of-another-release', r1))
    assert.match(css.headers.get('cache-control')!, /immutable/)
    assert.doesNotMatch(await css.text(), /GDS Transport|@font-face/)
  })

  test('a migration that was changed after it was applied is refused', async () => {
    await world.query('young', "UPDATE schema_migrations SET sha256 = 'other' WHERE name = '0001_applications'")
    await assert.rejects(world.migrate('young', 'r2'), /0001_applications\.sql was changed/)
  })

  test('releases carry the same migrations under the same name', () => {
    const folder = join(import.meta.dirname, '../examples/heating-payment/releases')
    const seen = new Map<string, string>()
    for (const release of Object.keys(RELEASES).filter((name) => name !== 'r1')) {
      for (const file of readdirSync(join(folder, release, 'migrations'))) {
        const sql = readFileSync(join(folder, release, 'migrations', file), 'utf8')
        assert.equal(sql, seen.get(file) ?? sql, `${release}/${file}`)
        seen.set(file, sql)
      }
    }
    assert.deepEqual([...seen.keys()].sort(), ['0003_contact_phone.sql', '0004_drop_town.sql'])
  })

  test('the crowd as a program prints the stream of requests, and its summary last', async () => {
    // From the sources: a script in TypeScript needs tsx.
    const { command, args } = runner(join(import.meta.dirname, '../src/load/main.ts'))
    const script = join(import.meta.dirname, '../examples/heating-payment/citizens.ts')
    const flags = [
      '--url',
      r2.href,
      '--script',
      script,
      '--rate',
      '400',
      '--sessions',
      '8',
      '--pace',
      '0',
      '--canary',
      'r2',
    ]
    const { stdout } = await promisify(execFile)(command, [...args, ...flags], { timeout: 60_000 })
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { summary } = lines.pop() as { summary: Summary }
    assert.equal(summary.sessions.arrived + summary.sessions.bots, 8)
    assert.equal(summary.requests.failed, 0)
    const keys = ['t', 'session', 'arm', 'journey', 'step', 'ok', 'ms', 'kind', 'segment']
    assert.ok(lines.length > 20)
    for (const line of lines) assert.deepEqual(Object.keys(line), keys)
    assert.ok(lines.every(({ arm, ok }) => arm === 'canary' && ok === true))
    assert.ok(
      lines.every(({ t }, i) => i === 0 || t >= lines[i - 1].t),
      'in order',
    )
    const wrong = await promisify(execFile)(command, [
      ...args,
      '--url',
      r2.href,
      '--script',
      script,
      '--rate',
      'many',
    ]).catch((thrown) => thrown)
    assert.deepEqual([wrong.code, /--rate must be a number/.test(wrong.stderr)], [2, true])
  })

  // Last, because nothing works after it.
  test('without its database a replica is not ready, says so to citizens, and lives', async () => {
    const citizen = newCitizen()
    await citizen.get(r1, '/apply/about-you')
    await world.stopDatabase()
    const page = await citizen.get(r1, '/apply/about-you')
    assert.equal(page.status, 500)
    assert.match(page.body, /Sorry, there is a problem with the service/)
    assert.equal((await citizen.get(r1, '/health/ready')).status, 503)
    assert.equal((await citizen.get(r1, '/health/live')).status, 200)
    assert.equal((await citizen.get(r1, '/')).status, 200)
  })

  async function waiting(sql: string, also: () => Promise<boolean> = async () => true): Promise<void> {
    for (const end = Date.now() + 20_000; ; ) {
      if ((await world.query('main', sql)).length > 0 && (await also())) return
      assert.ok(Date.now() < end, `never came: ${sql}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
})
