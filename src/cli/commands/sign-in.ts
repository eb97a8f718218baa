/** A new one-time link for the console, for whoever can reach Holdfast's store: that is what signing in rests on here. */
import { EXIT, OpsError } from '../../core/errors.ts'
import { listOf } from '../../core/words.ts'
import { isRole, ROLES, type Role } from '../../web/person.ts'
import type { Call, Command } from '../command.ts'

export const signIn: Command = {
  name: 'sign-in',
  says: 'A new one-time link into the console: 15 minutes, one use.',
  example: 'holdfast sign-in --as Asha --roles responder',
  options: [
    { flags: '--as <name>', says: 'whose link it is, for the log; without it the console asks for the name' },
    { flags: '--roles <list>', says: `what they may do, separated by commas: ${ROLES.join(', ')} (default: all)` },
  ],
  exits: { 1: 'no console has been started on this store', 3: 'the store cannot be reached' },
  async run(call) {
    const roles = rolesOf(call)
    const who = call.options.as
    const { openHoldfastStore } = await import('../../adapters/postgres/open.ts')
    const { CONSOLE_URL, LINK_MS, saveSignInLink } = await import('../../web/session.ts')
    const { store } = await openHoldfastStore({ state: call.state, env: call.io.env })
    try {
      const url = await store.get(CONSOLE_URL)
      if (typeof url !== 'string') {
        throw new OpsError('NO_CONSOLE', {
          message: 'No console has been started on this store yet, so a link would lead nowhere.',
          fix: 'holdfast serve',
        })
      }
      const now = await store.now()
      const options = { ...(typeof who === 'string' ? { who } : {}), ...(roles ? { roles } : {}) }
      const link = `${url}${await saveSignInLink(store, now, options)}`
      if (call.json) call.io.out(JSON.stringify({ link, expiresAt: now + LINK_MS, roles: roles ?? ROLES }))
      else call.io.out(`${link}\nIt works once, for 15 minutes.`)
      return EXIT.done
    } finally {
      await store.close()
    }
  },
}

function rolesOf(call: Call): Role[] | undefined {
  const given = call.options.roles
  if (typeof given !== 'string') return undefined
  const words = given.split(',').map((word) => word.trim())
  const unknown = words.filter((word) => !isRole(word))
  if (unknown.length === 0) return words.filter(isRole)
  throw new OpsError('ROLE_UNKNOWN', {
    message: `There is no role ${listOf(unknown.map((word) => `"${word.slice(0, 30)}"`))}.`,
    fix: `choose from ${ROLES.join(', ')}`,
    exit: EXIT.usage,
  })
}
