/** The prove commands: the log as it stands, the evidence pack of one deployment, and its independent check. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { EXIT, OpsError } from '../../core/errors.ts'
import { told } from '../../core/prove/story.ts'
import { isoOf, londonOf } from '../../core/time.ts'
import { plural } from '../../core/words.ts'
import type { Call, Command } from '../command.ts'

const LOG_MAX = 1_000

const log: Command = {
  name: 'prove log',
  says: 'What was decided, by whom and why: the newest entries of the audit log, and its root.',
  example: 'holdfast prove log --about dep-r3-1a2b3c4d',
  options: [
    { flags: '--about <id>', says: 'only this deployment, incident or release' },
    { flags: '--last <n>', says: `how many entries, 1 to ${LOG_MAX}`, default: '50' },
  ],
  exits: { 3: 'the store cannot be reached' },
  async run(call) {
    const last = Number(call.options.last)
    if (!Number.isInteger(last) || last < 1 || last > LOG_MAX) {
      throw new OpsError('OPTION_WRONG', {
        message: `--last takes a number from 1 to ${LOG_MAX}.`,
        fix: 'holdfast prove log --last 50',
        exit: EXIT.usage,
      })
    }
    const about = typeof call.options.about === 'string' ? call.options.about : undefined
    return withStore(call, async (store) => {
      const head = await store.head()
      const rows = about
        ? (await store.log(0, head.size, { subject: about })).slice(-last)
        : await store.log(Math.max(0, head.size - last), last)
      const entries = rows.map(told)
      if (call.json) {
        const shown = entries.map(({ at, ...entry }) => ({ ...entry, at: isoOf(at) }))
        call.io.out(JSON.stringify({ ...head, entries: shown }))
      } else {
        for (const { index, at, kind, subject, who, why } of entries) {
          call.io.out(
            `${String(index).padStart(6)}  ${londonOf(at)}  ${kind}  ${subject}  ${who ?? ''}\n        ${why ?? 'The words were deleted; the hash still stands.'}`,
          )
        }
        call.io.out(`${plural(head.size, 'entry', 'entries')}, root ${head.root}`)
      }
      return EXIT.done
    })
  },
}

const pack: Command = {
  name: 'prove pack',
  args: '<id>',
  says: 'Writes the evidence of one deployment as a folder: a page to read, the entries, and what is needed to check them without us.',
  example: 'holdfast prove pack dep-r3-1a2b3c4d --out evidence',
  options: [{ flags: '--out <dir>', says: 'the folder to write (default: evidence-<id>)' }],
  exits: { 1: 'no such deployment, or a claim is contradicted by the log', 3: 'the store cannot be reached' },
  async run(call) {
    const id = call.args[0]!
    const out = resolve(call.io.cwd, String(call.options.out ?? `evidence-${id.replace(/[^\w.-]/g, '-')}`))
    const { logKey } = await import('../../prove/key.ts')
    const { writePack } = await import('../../prove/pack.ts')
    return withStore(call, async (store) => {
      const written = await writePack(store, id, out, await logKey(call.state))
      if (call.json) call.io.out(JSON.stringify(written))
      else {
        call.io.out(claimLines(written.claims).join('\n'))
        call.io.out(`\nRead ${join(out, 'index.html')}. Check it with: holdfast prove verify ${out}`)
      }
      return written.claims.some(({ verdict }) => verdict === 'contradicted') ? EXIT.no : EXIT.done
    })
  },
}

const verify: Command = {
  name: 'prove verify',
  args: '<dir>',
  says: 'Checks an evidence pack with code that shares nothing with the code that wrote it; names every entry that was changed.',
  example: 'holdfast prove verify evidence --key log.pub',
  options: [
    {
      flags: '--key <file>',
      says: 'the public key that you were given on another way than the pack (default: the one in the state folder)',
    },
  ],
  exits: { 1: 'something was changed, is missing, or is not signed by the key' },
  async run(call) {
    const { pinnedKey } = await import('../../prove/key.ts')
    const { verifyPack } = await import('../../prove/verify.ts')
    const given = call.options.key
    const pinned = typeof given === 'string' ? await keyFrom(resolve(call.io.cwd, given)) : await pinnedKey(call.state)
    const folder = resolve(call.io.cwd, call.args[0]!)
    if (!existsSync(join(folder, 'entries.ndjson')) && !existsSync(join(folder, 'manifest'))) {
      throw new OpsError('NO_PACK', {
        message: `There is no evidence pack in ${folder}.`,
        fix: 'holdfast prove pack ID --out DIR, or name the folder that holds "manifest"',
        exit: EXIT.usage,
      })
    }
    const verified = await verifyPack(folder, pinned)
    if (call.json) call.io.out(JSON.stringify(verified))
    else {
      const { intact, problems, entries, words, signer, deployment } = verified
      for (const { file, entry, says } of problems)
        call.io.out(`${file}${entry === null ? '' : `, entry ${entry}`}: ${says}`)
      call.io.out(
        intact
          ? `Intact: ${plural(entries, 'entry', 'entries')}, ${words.here} with their words, all under one root signed by ${signer}.`
          : `NOT intact: ${plural(problems.length, 'problem')}.`,
      )
      if (intact) call.io.out([`About ${deployment}:`, ...claimLines(verified.claims)].join('\n'))
    }
    if (verified.key === 'pack') {
      call.io.progress(
        'WARNING: only the key inside the pack was at hand. The pack is whole, but whoever wrote it could have chosen that key.\n' +
          'Ask for the public key on another way, once, and use --key FILE.',
      )
    }
    return verified.intact ? EXIT.done : EXIT.no
  },
}

export const prove: readonly Command[] = [log, pack, verify]

async function keyFrom(file: string): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null || text.length > 2_000) {
    throw new OpsError('NO_KEY', {
      message: `There is no public key in ${file}.`,
      fix: 'holdfast prove verify DIR --key log.pub',
      exit: EXIT.usage,
    })
  }
  return text.trim()
}

function claimLines(
  claims: readonly { readonly says: string; readonly verdict: string; readonly because: string }[],
): string[] {
  return claims.map(({ verdict, says, because }) => `  ${verdict.padEnd(15)}${says}\n${' '.repeat(17)}${because}`)
}

async function withStore<T>(call: Call, use: (store: import('../../ports/store.ts').Store) => Promise<T>): Promise<T> {
  const { openHoldfastStore } = await import('../../adapters/postgres/open.ts')
  const { store } = await openHoldfastStore({ state: call.state, env: call.io.env })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}
