import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const dockerStopSignal: Rule = {
  id: 'docker-stop-signal',
  question: 5,
  title: 'The image does not ask to be killed outright',
  formats: ['dockerfile'],
  severity: 'error',
  reach: 3,
  harm: 'The application is killed at once, and every request in it is lost.',
  defaults: 'STOPSIGNAL SIGTERM.',
  fix: 'Use SIGTERM, or the signal on which the server finishes its requests (SIGQUIT for nginx).',
  cites: 'Docker documentation: STOPSIGNAL',
  bad: { Dockerfile: 'FROM node:20\nSTOPSIGNAL SIGKILL\nCMD ["node", "server.js"]\n' },
  good: { Dockerfile: 'FROM node:20\nSTOPSIGNAL SIGTERM\nCMD ["node", "server.js"]\n' },
  *check(world): Iterable<Verdict> {
    for (const file of world.dockerfiles) {
      for (const instruction of file.instructions) {
        if (instruction.name !== 'STOPSIGNAL') continue
        const at = { file: file.src.file, ...file.src.lines.placeOf(instruction.at) }
        if (/^(SIGKILL|KILL|9)$/i.test(instruction.args))
          yield fail(at, 'STOPSIGNAL is SIGKILL, which no program can answer.')
        else yield pass(at)
      }
    }
  },
}
