import { type Day, textOf, weekdayOf } from '../../define/recurrence.ts'
import { plural } from '../../words.ts'
import { callsWithin } from '../formats/groovy.ts'
import { allText, child, items, type Node, type Spot, spotOf, text, walk } from '../formats/node.ts'
import { type Cron, readCron } from '../models/cron.ts'
import { type Closed, type Peaks, peaksOf, wallClock } from '../models/peaks.ts'
import { ancestorsOf, type Job, type Pipeline, productionJobs, targetOf } from '../models/pipeline.ts'
import { cannotTell, fail, pass, type Rule, type Verdict } from '../rule.ts'
import type { World } from '../world.ts'
import { WINDOW } from './deploy-window.ts'

const DAY_MS = 86_400_000
/** A year, and the days by which a yearly peak may move. */
const DAYS = 400
/** Moments of a day that are tried, at most; a window that is open all day is tried at each half hour. */
const TIMES_MAX = 48

export const deployInPeak: Rule = {
  id: 'deploy-in-peak',
  question: 7,
  title: 'No deployment is scheduled into a peak of the definition, in summer or in winter',
  formats: ['github-workflow', 'jenkinsfile', 'codepipeline', 'cloudformation', 'terraform'],
  severity: 'error',
  reach: 2,
  harm: 'A bad release meets the most citizens it can, at the hour for which the team itself said no.',
  defaults:
    'GitHub schedules and EventBridge rules count in UTC, peaks in the wall time of the service (Europe/London).',
  fix: 'Move the schedule, or say its zone: timezone: Europe/London (GitHub), TZ=Europe/London (Jenkins), TimeZone (CodePipeline). holdfast deploy start asks the calendar each time.',
  cites: 'playbook: is there a deployment window that avoids peak demand periods?',
  bad: {
    'service.yaml':
      'service: { id: claims, name: Claims }\npeaks:\n  - { id: payment-run, name: the payment run, rrule: "FREQ=WEEKLY;BYDAY=TU", local: "18:00-23:30" }\n',
    '.github/workflows/cd.yml':
      'on: { schedule: [{ cron: "30 17 * * 2" }] }\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  good: {
    'service.yaml':
      'service: { id: claims, name: Claims }\npeaks:\n  - { id: payment-run, name: the payment run, rrule: "FREQ=WEEKLY;BYDAY=TU", local: "18:00-23:30" }\n',
    '.github/workflows/cd.yml':
      'on: { schedule: [{ cron: "30 17 * * 2", timezone: Europe/London }] }\njobs:\n  deploy:\n    environment: production\n    runs-on: ubuntu-latest\n    steps: [{ run: cdk deploy }]\n',
  },
  *check(world): Iterable<Verdict> {
    const schedules = schedulesOf(world)
    const peaks = schedules.length > 0 ? peaksOf(world) : undefined
    const clock = peaks && wallClock(peaks.zone)
    if (!peaks || !clock) return
    for (const schedule of schedules) {
      const cron = readCron(schedule.cron, schedule.style)
      if (!cron)
        yield cannotTell(
          schedule.at,
          `Whether "${schedule.cron.slice(0, 60)}" keeps clear of the peaks in ${peaks.file} cannot be read from it.`,
          'the days on which it runs, written without L, W or #',
        )
      else yield verdictOn(schedule, cron, peaks, clock, world.today)
    }
  },
}

interface Schedule {
  readonly says: string
  readonly cron: string
  readonly style: 'unix' | 'aws' | 'quartz'
  /** Absent: UTC. */
  readonly zone?: string
  readonly at: Spot
  /** True when nobody can say in which zone it is counted. */
  readonly unsaidZone?: boolean
}

type Clock = NonNullable<ReturnType<typeof wallClock>>
interface Start {
  readonly day: Day
  readonly minute: number
}

function verdictOn(schedule: Schedule, cron: Cron, peaks: Peaks, clock: Clock, today: number): Verdict {
  const own = { clock, zone: peaks.zone }
  const starts = startsOf(cron, schedule.zone, own, today)
  const hits = hitsOf(starts, peaks)
  if (schedule.unsaidZone) {
    const other = hitsOf(startsOf(cron, peaks.zone, own, today), peaks)
    if (hits.length > 0 !== other.length > 0)
      return cannotTell(
        schedule.at,
        `Whether ${schedule.says} keeps clear of the peaks in ${peaks.file} depends on the zone in which it is counted.`,
        'the zone: a first line TZ=Europe/London',
      )
  }
  const [first] = hits
  if (!first) return pass(schedule.at)
  const place = peaks.zone === 'Europe/London' ? 'London time' : peaks.zone
  return fail(schedule.at, `${schedule.says} ${first.closed.why}: ${dated(first)}, ${place}.`, {
    arithmetic: `"${schedule.cron}" in ${schedule.zone ?? 'UTC'} against ${first.closed.file}:${first.closed.line}; ${hits.length} of ${plural(starts.length, 'moment')} in the next ${DAYS} days`,
  })
}

function hitsOf(starts: readonly Start[], peaks: Peaks): readonly (Start & { readonly closed: Closed })[] {
  return starts.flatMap((start) => {
    const closed = peaks.closed(start.day, start.minute)
    return closed ? [{ ...start, closed }] : []
  })
}

/** When it begins, in the wall time of the service. In the service's own zone the wall times are the expression's own. */
function startsOf(cron: Cron, zone: string | undefined, own: { clock: Clock; zone: string }, today: number): Start[] {
  const step = Math.max(1, Math.ceil(cron.times.length / TIMES_MAX))
  const times = cron.times.filter((_, index) => index % step === 0)
  const isUtc = zone === undefined || /^(?:Etc\/)?(?:UTC|GMT)$/i.test(zone)
  const first = Math.floor(today / DAY_MS) * DAY_MS
  const starts: Start[] = []
  for (let n = 0; n < DAYS; n++) {
    const midnight = first + n * DAY_MS
    const at = new Date(midnight)
    const day = { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() }
    if (!cron.on(day.month, day.day, weekdayOf(day))) continue
    // A third zone is taken for the service's own: what it would need is rare, and an hour's error is not worth a false alarm.
    for (const minute of times) starts.push(isUtc ? own.clock(midnight + minute * 60_000) : { day, minute })
  }
  return starts
}

function dated({ day, minute }: Start): string {
  const names = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
  const two = (n: number) => String(n).padStart(2, '0')
  return `${names[weekdayOf(day) - 1]} ${textOf(day)} at ${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}

function schedulesOf(world: World): readonly Schedule[] {
  const found: Schedule[] = []
  for (const pipeline of world.pipelines) {
    const asked = productionJobs(pipeline).filter(({ job }) => !asksCalendar(pipeline, job))
    if (asked.length === 0) continue
    if (pipeline.tool === 'github')
      found.push(
        ...ofWorkflow(
          pipeline,
          asked.map(({ job }) => job),
        ),
      )
    else if (pipeline.tool === 'jenkins') found.push(...ofJenkins(world, pipeline))
    else found.push(...ofCodepipeline(pipeline))
  }
  return found
}

/** `holdfast deploy start` and window checks ask at the moment itself. */
function asksCalendar(pipeline: Pipeline, job: Job): boolean {
  return [job, ...ancestorsOf(pipeline, job)].some((part) =>
    part.steps.some(
      (step) => WINDOW.test(`${step.name} ${step.run} ${step.uses}`) && !/DeploymentWindow/.test(step.name),
    ),
  )
}

function ofWorkflow(pipeline: Pipeline, jobs: readonly Job[]): readonly Schedule[] {
  // A job that looks at the event decides for itself.
  if (jobs.every((job) => /event_name|event\.schedule/.test(job.condition ?? ''))) return []
  return items(child(pipeline.node, 'on', 'schedule')).flatMap((item) => {
    const cron = child(item, 'cron')
    const zone = text(child(item, 'timezone'))
    const written = text(cron)
    if (!cron || written === undefined) return []
    const says = `"${jobs[0]!.id}" is scheduled to deploy`
    return [{ says, cron: written, style: 'unix' as const, at: spotOf(cron), ...(zone ? { zone } : {}) }]
  })
}

function ofJenkins(world: World, pipeline: Pipeline): readonly Schedule[] {
  const file = world.jenkinsfiles.find(({ src }) => src.file === pipeline.file)
  const calls = [...callsWithin(file?.calls ?? [])].filter(({ name }) => name === 'cron')
  return calls.flatMap((call) => {
    const lines = (call.strings[0] ?? '').split(/\n|\\n/).map((line) => line.trim())
    const zone = /^TZ=(\S+)$/.exec(lines[0] ?? '')?.[1]
    const at = { file: call.src.file, ...call.src.lines.placeOf(call.at) }
    return lines
      .filter((line) => line !== '' && !/^(?:TZ=|#)/.test(line))
      .map((cron) => ({
        says: 'The pipeline is scheduled to deploy',
        cron,
        style: 'unix' as const,
        at,
        ...(zone ? { zone } : { unsaidZone: true }),
      }))
  })
}

/** Conditions of the type DeploymentWindow: seconds, minute, hour, day, month, weekday. */
function ofCodepipeline(pipeline: Pipeline): readonly Schedule[] {
  return pipeline.jobs
    .filter((job) => targetOf(job) !== 'elsewhere')
    .flatMap((job) => [...walk(job.node)].flatMap((node) => windowOf(node, job)))
}

function windowOf(node: Node, job: Job): readonly Schedule[] {
  const of = (from: Node | undefined, ...names: string[]) =>
    names.map((name) => child(from, name)).find((found) => found !== undefined)
  const type = of(node, 'RuleTypeId', 'ruleTypeId', 'rule_type_id')
  if (!type || !/\bDeploymentWindow\b/.test(allText(type))) return []
  const given = of(node, 'Configuration', 'configuration')
  const cron = of(given, 'Cron', 'cron')
  const zone = text(of(given, 'TimeZone', 'timeZone', 'Timezone'))
  const written = text(cron)
  if (!cron || written === undefined) return []
  const says = `The window of the stage ${job.id} is open`
  return [{ says, cron: written, style: 'quartz', at: spotOf(cron), ...(zone ? { zone } : {}) }]
}
