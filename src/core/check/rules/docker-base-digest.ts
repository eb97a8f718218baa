import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const dockerBaseDigest: Rule = {
  id: 'docker-base-digest',
  question: 1,
  title: 'Building an old release again gives the old release',
  formats: ['dockerfile'],
  severity: 'info',
  reach: 1,
  harm: 'A release that is built again to go back to it is not the one that worked.',
  defaults: 'A base without a tag is :latest.',
  fix: 'Name the base by version and digest (node:20.19.2@sha256:…), and let a tool raise it.',
  cites: 'Docker documentation: pin base image versions',
  bad: { Dockerfile: 'FROM node\nCMD ["node", "server.js"]\n' },
  good: { Dockerfile: 'FROM node:20.19.2\nCMD ["node", "server.js"]\n' },
  *check(world): Iterable<Verdict> {
    for (const file of world.dockerfiles) {
      const stages = new Set(
        file.instructions.flatMap(({ name, args }) =>
          name === 'FROM' ? [/\bas\s+(\S+)/i.exec(args)?.[1]?.toLowerCase() ?? ''] : [],
        ),
      )
      for (const instruction of file.instructions) {
        if (instruction.name !== 'FROM') continue
        const image = instruction.args.replace(/^--\S+\s+/, '').split(/\s+/)[0] ?? ''
        if (image === 'scratch' || stages.has(image.toLowerCase()) || image.includes('$')) continue
        const at = { file: file.src.file, ...file.src.lines.placeOf(instruction.at) }
        const tag = /:([^/:@]+)/.exec(image.slice(image.lastIndexOf('/') + 1))?.[1]
        if (image.includes('@sha256:') || (tag !== undefined && tag !== 'latest')) yield pass(at)
        else yield fail(at, `The base "${image}" is whatever is newest on the day of the build.`)
      }
    }
  },
}
