/** The sample service on a database of its own, for tests: releases as processes, and one careful citizen to walk through them. */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../examples/heating-payment/app/migrations.ts'
import { RELEASES } from '../examples/heating-payment/releases/index.ts'
import { startEmbedded, stopEmbedded } from '../src/adapters/postgres/embedded.ts'
import { processRuntime } from '../src/adapters/process/runtime.ts'
import { startSupervisor, stopSupervisor } from '../src/adapters/process/start.ts'
import { type Browser, openBrowser } from '../src/load/browser.ts'
import type { Answer } from '../src/load/script.ts'
import type { NotStarted, Runtime, Started } from '../src/ports/runtime.ts'
import { isRefused, isUnreachable } from '../src/ports/unreachable.ts'
import { removeFolder } from './folder.ts'

const EXAMPLE = join(import.meta.dirname, '../examples/heating-payment')

export interface HeatingWorld {
  readonly runtime: Runtime
  /** Address of a database, by its name. */
  url(database: string): string
  migrate(database: string, release: string): Promise<readonly string[]>
  query<Row extends pg.QueryResultRow>(
    database: string,
    sql: string,
    values?: readonly unknown[],
  ): Promise<readonly Row[]>
  start(release: string, database: string, env?: Readonly<Record<string, string>>): Promise<Started | NotStarted>
  /** Starts one replica of a release and returns its address. */
  serve(release: string, database: string): Promise<URL>
  stopDatabase(): Promise<void>
  close(): Promise<void>
}

export async function openHeating(databases: readonly string[]): Promise<HeatingWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-heating-'))
  const state = join(folder, 'state')
  const database = await startEmbedded({ folder: join(folder, 'database'), databases })
  const runtime = processRuntime(await startSupervisor({ state }))
  const urlOf = (name: string) => database.urls[name]!
  const start: HeatingWorld['start'] = async (release, name, env = {}) => {
    const answer = await runtime.start({
      epoch: 1,
      service: 'heating-payment',
      release,
      replicas: 1,
      command: [process.execPath, 'main.js'],
      folder: join(EXAMPLE, 'releases', release),
      // Letters leave when a test says so.
      env: { DATABASE_URL: urlOf(name), LETTERS_EVERY_SECONDS: '86400', ...env },
      readyPath: '/health/ready',
      startMsMax: 30_000,
      stopMsMax: 30_000,
    })
    assert.ok(!isUnreachable(answer) && !isRefused(answer), JSON.stringify(answer))
    return answer
  }
  return {
    runtime,
    url: urlOf,
    migrate: (name, release) => migrate(urlOf(name), RELEASES[release]!),
    async query(name, sql, values = []) {
      const client = new pg.Client({ connectionString: urlOf(name) })
      await client.connect()
      try {
        return (await client.query(sql, values as unknown[])).rows
      } finally {
        await client.end()
      }
    },
    start,
    async serve(release, name) {
      const answer = await start(release, name)
      assert.ok(answer.started, JSON.stringify(answer))
      return new URL(`http://127.0.0.1:${answer.instances[0]!.port}`)
    },
    stopDatabase: async () => void (await stopEmbedded(join(folder, 'database'))),
    async close() {
      await stopSupervisor({ state })
      await stopEmbedded(join(folder, 'database'))
      removeFolder(folder)
    },
  }
}

export const ABOUT_YOU = {
  fullName: 'Asha Verma',
  'born-day': '7',
  'born-month': '3',
  'born-year': '1958',
  benefits: 'pension-credit',
}
export const YOUR_HOME = {
  addressLine: '4 Quayside',
  town: 'Newcastle upon Tyne',
  postcode: 'ne14lp',
  household: 'none',
}
export const BANK_DETAILS = { accountName: 'A Verma', sortCode: '30-94-30', accountNumber: '12345678', rollNumber: '' }

/** One browser for any replica: cookies and hidden fields go along, as they do behind a balancer. */
export interface Citizen {
  get(at: URL, path: string): Promise<Answer>
  post(at: URL, path: string, form: Readonly<Record<string, string | readonly string[]>>): Promise<Answer>
  close(): void
}

export function newCitizen(): Citizen {
  // The browser's address is read at each request.
  const address = { url: new URL('http://127.0.0.1') }
  const browser: Browser = openBrowser({
    get url() {
      return address.url
    },
    userAgent: 'test',
    keepAlive: false,
    timeoutMs: 20_000,
  })
  const ask = async (at: URL, asked: Parameters<Browser['ask']>[0]) => {
    address.url = at
    const got = await browser.ask(asked)
    assert.ok(got.got === 'answer', JSON.stringify(got))
    return got.answer
  }
  return {
    get: (at, path) => ask(at, { method: 'GET', path }),
    post: (at, path, form) => ask(at, { method: 'POST', path, form }),
    close: () => browser.close(),
  }
}

/** From the start to the check page, every answer right. */
export async function fillIn(citizen: Citizen, at: URL, bank: Readonly<Record<string, string>> = BANK_DETAILS) {
  await citizen.get(at, '/apply/about-you')
  assertLeads(await citizen.post(at, '/apply/about-you', ABOUT_YOU), '/apply/your-home')
  assertLeads(await citizen.post(at, '/apply/your-home', YOUR_HOME), '/apply/bank-details')
  assertLeads(await citizen.post(at, '/apply/bank-details', bank), '/apply/check-answers')
  const check = await citizen.get(at, '/apply/check-answers')
  assert.equal(check.status, 200)
  return check
}

export function assertLeads(answer: Answer, path: string): void {
  assert.deepEqual([answer.status, answer.headers.location], [303, path])
}

export function referenceIn(answer: Answer): string {
  return /HP-[2-9A-Z]{4}-[2-9A-Z]{4}/.exec(answer.body)?.[0] ?? assert.fail(`no reference in ${answer.body}`)
}
