import type { Instruction } from '../formats/dockerfile.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const dockerSignal: Rule = {
  id: 'docker-signal',
  question: 5,
  title: 'The request to stop reaches the application',
  formats: ['dockerfile'],
  severity: 'error',
  reach: 3,
  harm: 'The application never hears that it should stop, and is killed with citizens’ requests still in it, at each deployment.',
  defaults:
    'The shell form runs "/bin/sh -c" as process 1, which does not pass SIGTERM on; npm and yarn start do not either.',
  fix: 'Use the exec form with the program itself (CMD ["node", "server.js"]), or "exec" in the shell line.',
  cites: 'Docker documentation: Dockerfile reference, shell and exec form',
  bad: { Dockerfile: 'FROM node:20\nCMD npm start\n' },
  good: { Dockerfile: 'FROM node:20\nCMD ["node", "server.js"]\n' },
  *check(world): Iterable<Verdict> {
    for (const file of world.dockerfiles) {
      const last = Math.max(-1, ...file.instructions.map((instruction) => instruction.stage))
      const final = file.instructions.filter((instruction) => instruction.stage === last)
      const entry = final.filter((instruction) => instruction.name === 'ENTRYPOINT').at(-1)
      const command = final.filter((instruction) => instruction.name === 'CMD').at(-1)
      const main = entry ?? command
      if (!main) continue
      const at = { file: file.src.file, ...file.src.lines.placeOf(main.at) }
      const flaw = flawOf(entry, command)
      if (flaw) yield fail(at, flaw.says, flaw.sure ? {} : { severity: 'warn' })
      else yield pass(at)
    }
  },
}

const WRAPPER = /^(?:\S*\/)?(npm|yarn|pnpm|npx)$/

function flawOf(
  entry: Instruction | undefined,
  command: Instruction | undefined,
): { says: string; sure: boolean } | undefined {
  const main = entry ?? command!
  if (!main.exec) {
    if (/^\s*exec\s/.test(main.args) || /(?:&&|;)\s*exec\s/.test(main.args) || main.args.startsWith('['))
      return undefined
    const wrapped = WRAPPER.test(main.args.split(/\s+/)[0] ?? '')
    // Some shells replace themselves with a single simple command; a list of commands or npm never is.
    return {
      says: `${main.name} is in shell form: "sh -c" is process 1 and, in most images, keeps SIGTERM from "${main.args.slice(0, 60)}".`,
      sure: wrapped || /[;&|]/.test(main.args),
    }
  }
  const words = entry ? [...(entry.exec ?? []), ...(command?.exec ?? [])] : main.exec
  const rest =
    words[0] && /(?:^|\/)(tini|dumb-init|catatonit|docker-init)$/.test(words[0])
      ? words.slice(words.indexOf('--') >= 0 ? words.indexOf('--') + 1 : 1)
      : words
  const program = rest[0] ?? ''
  if (WRAPPER.test(program))
    return {
      says: `"${program.replace(/^.*\//, '')} ${rest[1] ?? ''}" is process 1 and does not pass SIGTERM on to the application.`,
      sure: false,
    }
  if (
    /(?:^|\/)(?:ba|da|a)?sh$/.test(program) &&
    /^-\w*c$/.test(rest[1] ?? '') &&
    !/(?:^|&&|;)\s*exec\s/.test(rest[2] ?? '')
  )
    return { says: `A shell is process 1 and keeps SIGTERM from "${(rest[2] ?? '').slice(0, 60)}".`, sure: true }
  return undefined
}
