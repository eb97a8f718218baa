/** The twenty boxes of the playbook's quality checkpoints. */
import { listOf, plural } from '../../words.ts'
import { isGate, productionJobs } from '../models/pipeline.ts'
import { waysBack } from '../rollback/ways.ts'
import { minutes, ROLLBACK_PROMISE_S } from '../rollback-time.ts'
import { runbooksOf } from '../runbook.ts'
import { alertsFirst, thresholds } from './alert-boxes.ts'
import { type Box, byRules, type Facts, filesWith, type Group, judged, missingWords, placeOf } from './box.ts'

export function groupsOf(facts: Facts): readonly Group[] {
  return [
    {
      title: 'Spec artifact completeness',
      boxes: [pipelineSpec(facts), runbooksForModes(facts), objectives(facts), complianceSpec(facts)],
    },
    {
      title: 'Service specificity',
      boxes: [testsForModes(facts), runbooksOwn(facts), thresholds(facts), complianceFits(facts)],
    },
    {
      title: 'Operational readiness',
      boxes: [rollbackTested(facts), healthChecks(facts), alertsFirst(facts), rota(facts)],
    },
    {
      title: 'Documentation for operators',
      boxes: [strangersFollow(facts), decisions(facts), verifiedByOthers(facts), reviewTemplate(facts)],
    },
    { title: 'Citizen impact', boxes: [loadTested(facts), messages(facts), recoveryFits(facts), dashboards(facts)] },
  ]
}

const SPEC = /(^|\/)(\.kiro\/specs\/|docs?\/|ops\/|specs?\/)/

function specBox(
  facts: Facts,
  id: string,
  says: string,
  path: RegExp,
  wanted: Readonly<Record<string, RegExp>>,
  none: string,
): Box {
  const files = filesWith(facts, path).filter((file) => SPEC.test(file.path) || !file.path.includes('/'))
  if (files.length === 0) return { id, says, state: 'no', because: none, evidence: [] }
  const missing = missingWords(files.map((file) => file.text).join('\n'), wanted)
  const evidence = files.slice(0, 5).map((file) => file.path)
  return missing.length === 0
    ? { id, says, state: 'yes', because: `It speaks of ${listOf(Object.keys(wanted))}.`, evidence }
    : { id, says, state: 'no', because: `It does not speak of ${listOf(missing)}.`, evidence }
}

function pipelineSpec(facts: Facts): Box {
  return specBox(
    facts,
    'pipeline-spec',
    'Deployment pipeline specification covers all quality gates and rollback procedures',
    /(deploy|pipeline|release)[^/]*(\/(requirements|design|tasks))?\.md$/i,
    {
      'unit tests': /\bunit tests?\b|\bnpm test\b|\btests?\b/i,
      'integration tests': /\bintegration\b|\bend[- ]to[- ]end\b|\bacceptance tests?\b|\bjourneys?\b/i,
      'security scans': /\bscan|\bsecurity\b|\baudit\b/i,
      'accessibility checks': /\baccessib|\bwcag\b|\ba11y\b/i,
      'the way back': /\broll(?:ed|s|ing)?[- ]?back|\btake[ns]? (?:it|the \w+ release) back/i,
    },
    'There is no specification or procedure of the deployment pipeline.',
  )
}

function runbooksForModes(facts: Facts): Box {
  const id = 'runbooks'
  const says = 'Incident runbooks exist for each failure mode identified in service analysis'
  const books = runbooksOf(facts.world)
  const modes = facts.service?.failureModes
  if (!modes)
    return {
      id,
      says,
      state: books.length === 0 ? 'no' : 'person',
      because:
        books.length === 0
          ? 'There is no runbook.'
          : `${plural(books.length, 'runbook')} here; without a service.yaml nothing says for which failures.`,
      evidence: books.slice(0, 5).map((src) => src.file),
    }
  const without = modes.filter(
    (mode) =>
      !books.some(
        (src) =>
          src.file.includes(mode.id) ||
          src.text.toLowerCase().includes(mode.name.toLowerCase()) ||
          src.text.includes(mode.id),
      ),
  )
  if (modes.length === 0)
    return { id, says, state: 'no', because: 'The definition names no failure mode.', evidence: ['service.yaml'] }
  return without.length === 0
    ? {
        id,
        says,
        state: 'yes',
        because: `Each of the ${modes.length} failure modes has one.`,
        evidence: books.slice(0, 5).map((src) => src.file),
      }
    : {
        id,
        says,
        state: 'no',
        because: `There is none for ${listOf(without.map((mode) => `"${mode.name}"`))}.`,
        evidence: ['service.yaml'],
      }
}

function objectives(facts: Facts): Box {
  const id = 'objectives'
  const says = 'Monitoring specification defines SLOs based on citizen journeys'
  const slis = facts.service?.slis.filter((sli) => sli.journey !== undefined) ?? []
  if (slis.length > 0)
    return {
      id,
      says,
      state: 'yes',
      because: `${plural(slis.length, 'indicator')} of the definition stand on journeys.`,
      evidence: ['service.yaml'],
    }
  const slo = filesWith(
    facts,
    /\.ya?ml$/,
    /kind:\s*["']?(SLO|ServiceLevelObjective|PrometheusServiceLevel)\b|^\s*slos:|sloth\.slok\.dev|openslo/m,
  )
  if (slo.length > 0)
    return {
      id,
      says,
      state: 'yes',
      because: 'Objectives are written down as code.',
      evidence: slo.slice(0, 5).map((file) => file.path),
    }
  const spec = filesWith(
    facts,
    /(monitor|observab|slo)[^/]*(\/(requirements|design))?\.md$/i,
    /\bslos?\b|service[- ]level objective/i,
  )
  const aboutJourneys = spec.filter((file) => /journey|citizen|user|applicant|submit/i.test(file.text))
  if (aboutJourneys.length > 0)
    return {
      id,
      says,
      state: 'yes',
      because: 'The monitoring specification states objectives of journeys.',
      evidence: aboutJourneys.slice(0, 5).map((file) => file.path),
    }
  return {
    id,
    says,
    state: 'no',
    because: 'No objective of a citizen journey is written down.',
    evidence: spec.slice(0, 3).map((file) => file.path),
  }
}

function complianceSpec(facts: Facts): Box {
  return specBox(
    facts,
    'compliance-spec',
    'Compliance automation specification covers accessibility, security, and audit requirements',
    /complian[^/]*(\/(requirements|design|tasks))?\.md$|(audit|assurance)[^/]*\.md$/i,
    {
      accessibility: /\baccessib|\bwcag\b/i,
      security: /\bsecurity\b|\bscan|\bvulnerab/i,
      'audit records': /\baudit|\brecord|\bevidence|\blog\b/i,
    },
    'There is no specification of the compliance checks.',
  )
}

function testsForModes(facts: Facts): Box {
  const id = 'tests-for-modes'
  const says = 'Pipeline tests address your service’s actual failure modes, not generic scenarios'
  const { service } = facts
  if (!service)
    return {
      id,
      says,
      state: 'person',
      because: 'Without a service.yaml nothing says which failures are likely.',
      evidence: [],
    }
  const uncaught = service.failureModes.filter(
    (mode) => !service.deployment.gates.some((gate) => gate.catches.includes(mode.id)),
  )
  if (service.failureModes.length === 0)
    return { id, says, state: 'no', because: 'The definition names no failure mode.', evidence: ['service.yaml'] }
  return uncaught.length === 0
    ? {
        id,
        says,
        state: 'yes',
        because: 'Each failure mode is one that a gate is there to catch.',
        evidence: ['service.yaml'],
      }
    : {
        id,
        says,
        state: 'no',
        because: `No gate looks for ${listOf(uncaught.map((mode) => `"${mode.name}"`))}.`,
        evidence: ['service.yaml'],
      }
}

function runbooksOwn(facts: Facts): Box {
  const id = 'runbooks-own'
  const says = 'Runbooks reference your service’s specific components and dependencies'
  const books = runbooksOf(facts.world)
  if (books.length === 0) return { id, says, state: 'no', because: 'There is no runbook.', evidence: [] }
  const { service } = facts
  if (!service)
    return {
      id,
      says,
      state: 'person',
      because: 'Without a service.yaml nothing says what the service is made of.',
      evidence: books.slice(0, 3).map((src) => src.file),
    }
  const names = [
    ...service.runtime.components.map((component) => component.id),
    ...service.dependencies.flatMap((dependency) => [dependency.id, dependency.name]),
    ...service.journeys.map((journey) => journey.name),
  ].filter((name): name is string => typeof name === 'string' && name.length > 2)
  const generic = books.filter((src) => !names.some((name) => src.text.toLowerCase().includes(name.toLowerCase())))
  return generic.length === 0
    ? {
        id,
        says,
        state: 'yes',
        because: `All ${books.length} name a part of this service.`,
        evidence: books.slice(0, 5).map((src) => src.file),
      }
    : {
        id,
        says,
        state: 'no',
        because: `${plural(generic.length, 'runbook names', 'runbooks name')} no component, dependency or journey of this service.`,
        evidence: generic.slice(0, 5).map((src) => src.file),
      }
}

function complianceFits(facts: Facts): Box {
  const id = 'compliance-fits'
  const says = 'Compliance checks match your service’s data handling and accessibility requirements'
  const a11y = judged(facts, ['gate-accessibility'])
  const dpia = filesWith(facts, /dpia|data-protection|privacy[^/]*\.md$/i)
  const personal = facts.service?.data.kinds.some((kind) => kind.personal)
  const [first] = a11y.failed
  if (first) return { id, says, state: 'no', because: first.says, evidence: [placeOf(first)] }
  if (personal && dpia.length === 0)
    return {
      id,
      says,
      state: 'no',
      because: 'Personal data is held, and no screening for an impact assessment is here.',
      evidence: ['service.yaml'],
    }
  if (a11y.passed > 0 && (dpia.length > 0 || personal === false))
    return {
      id,
      says,
      state: 'yes',
      because: 'Accessibility is a gate, and the data is screened.',
      evidence: dpia.slice(0, 3).map((file) => file.path),
    }
  return {
    id,
    says,
    state: 'person',
    because: 'What data is held, and how accessible the service must be, is not in the files.',
    evidence: [],
  }
}

const DRILL =
  /(?:rehears\w*|drill\w*|practi[sc]ed|tested|exercised)[^\n]{0,80}?(\d{4}-\d{2}-\d{2})[^\n]{0,80}?(\d{1,3})\s*min/i

function rollbackTested(facts: Facts): Box {
  const id = 'rollback'
  const says = 'Rollback procedure tested and completes within 15 minutes'
  const ways = waysBack(facts.world).flatMap((answer) => ('way' in answer ? [answer.way] : []))
  const [slow] = ways.filter((way) => way.likely > ROLLBACK_PROMISE_S)
  if (slow)
    return {
      id,
      says,
      state: 'no',
      because: `Taking ${slow.what} back takes about ${minutes(slow.likely)}.`,
      evidence: [placeOf(slow.at)],
    }
  const drills = filesWith(facts, /roll-?back|runbook|readiness|drill|deploy/i, DRILL)
  const found = drills
    .map((file) => ({ file, match: DRILL.exec(file.text)! }))
    .sort((a, b) => (a.match[1]! < b.match[1]! ? 1 : -1))[0]
  if (found) {
    const took = Number(found.match[2])
    const days = Math.floor((facts.world.today - Date.parse(found.match[1]!)) / 86_400_000)
    if (took > 15)
      return {
        id,
        says,
        state: 'no',
        because: `The last rehearsal (${found.match[1]}) took ${took} minutes.`,
        evidence: [found.file.path],
      }
    if (days > 365)
      return {
        id,
        says,
        state: 'no',
        because: `The last rehearsal was on ${found.match[1]}.`,
        evidence: [found.file.path],
      }
    return {
      id,
      says,
      state: 'yes',
      because: `Rehearsed on ${found.match[1]} in ${took} minutes.`,
      evidence: [found.file.path],
    }
  }
  const guess =
    ways.length > 0 ? ` The files let ${minutes(Math.max(...ways.map((way) => way.likely)))} be expected.` : ''
  return {
    id,
    says,
    state: 'person',
    because: `No rehearsal with a date and a time is written down.${guess} holdfast rehearse rollback measures it.`,
    evidence: [],
  }
}

function healthChecks(facts: Facts): Box {
  return byRules(
    facts,
    'health',
    'Health checks detect actual service problems, not just container status',
    [
      'kube-readiness',
      'kube-liveness-differs',
      'health-accepts-errors',
      'front-checks-health',
      'compose-waits-for-health',
      'ecs-grace',
      'scaling-group-health',
      'appspec-validates',
    ],
    {
      yes: 'What the platform asks is asked of the service itself.',
      none: 'No health check is described in the files.',
    },
  )
}

function rota(facts: Facts): Box {
  const id = 'rota'
  const says = 'On-call rotation and escalation paths documented and agreed'
  const written = filesWith(facts, /on-?call|rota|escalat/i, /on-?call|escalat/i).map((file) => file.path)
  const rotas = facts.service?.oncall.rotas.length ?? 0
  if (rotas === 0 && written.length === 0)
    return { id, says, state: 'no', because: 'Neither a rota nor an escalation is written down.', evidence: [] }
  return {
    id,
    says,
    state: 'person',
    because: 'It is written down; that the people on it agreed, they have to say.',
    evidence: rotas > 0 ? ['service.yaml', ...written.slice(0, 3)] : written.slice(0, 3),
  }
}

function strangersFollow(facts: Facts): Box {
  return byRules(
    facts,
    'strangers',
    'Runbooks executable by someone with no prior service knowledge',
    [
      'runbook-filled',
      'runbook-steps',
      'runbook-commands',
      'runbook-result',
      'runbook-undo',
      'runbook-links',
      'runbook-shape',
    ],
    {
      yes: 'Each step has a command or label and a result; whether a stranger can follow it, a trial shows.',
      passes: 'person',
      none: 'There is no runbook.',
      absent: 'no',
    },
  )
}

function decisions(facts: Facts): Box {
  return byRules(
    facts,
    'decisions',
    'Decision points clear: when to escalate, when to rollback, when to communicate',
    ['runbook-escalation', 'runbook-decisions', 'runbook-citizens', 'runbook-people'],
    {
      yes: 'Each runbook says when to stop, whom to wake and what to tell citizens.',
      none: 'There is no runbook.',
      absent: 'no',
    },
  )
}

function verifiedByOthers(facts: Facts): Box {
  const id = 'verified'
  const says = 'Recovery steps verified by someone other than the author'
  const books = runbooksOf(facts.world)
  if (books.length === 0) return { id, says, state: 'no', because: 'There is no runbook.', evidence: [] }
  const dated = judged(facts, ['runbook-rehearsed'])
  const never = facts.report.findings.filter(
    (finding) => finding.rule === 'runbook-rehearsed' && finding.verdict === 'fail',
  )
  if (dated.passed > 0 && never.length === 0)
    return {
      id,
      says,
      state: 'person',
      because: `Each of the ${books.length} says when it was last followed; by whom, compare with its author.`,
      evidence: books.slice(0, 5).map((src) => src.file),
    }
  return {
    id,
    says,
    state: 'no',
    because: `${never.length} of ${plural(books.length, 'runbook')} do not say when somebody last followed them, or it is too long ago.`,
    evidence: never.slice(0, 5).map(placeOf),
  }
}

function reviewTemplate(facts: Facts): Box {
  const files = filesWith(
    facts,
    /(post-?incident|post-?mortem|incident-review|pir)[^/]*(template)?[^/]*\.(md|html?)$|incidents?\/_?template[^/]*\.md$/i,
  )
  const useful = files.filter((file) => /timeline|when/i.test(file.text) && /action/i.test(file.text))
  const box = { id: 'review-template', says: 'Post-incident review template ready for use' }
  if (useful.length > 0)
    return {
      ...box,
      state: 'yes',
      because: 'It asks for a timeline and for actions.',
      evidence: useful.slice(0, 3).map((file) => file.path),
    }
  return {
    ...box,
    state: 'no',
    because: files.length > 0 ? 'There is one, without a timeline or without actions.' : 'There is none.',
    evidence: files.slice(0, 3).map((file) => file.path),
  }
}

const LOAD =
  /\bk6\b|\blocust\b|\bartillery\b|\bgatling\b|\bjmeter\b|\bautocannon\b|\bvegeta\b|\bwrk2?\b|load[- ]?test|\bholdfast\s+rehearse\s+(?:peak|rollback)/i

function loadTested(facts: Facts): Box {
  const id = 'load'
  const says = 'Deployment procedures tested during realistic load'
  const steps = facts.world.pipelines
    .flatMap((pipeline) => pipeline.jobs.flatMap((job) => job.steps))
    .filter((step) => LOAD.test(`${step.run} ${step.uses} ${step.name}`))
  const gate = facts.service?.deployment.gates.find((one) => one.kind === 'load')
  const [first] = steps
  if (first)
    return { id, says, state: 'yes', because: 'The pipeline puts load on the service.', evidence: [placeOf(first.at)] }
  if (gate)
    return { id, says, state: 'yes', because: `The gate "${gate.name ?? gate.id}" does.`, evidence: ['service.yaml'] }
  return {
    id,
    says,
    state: 'no',
    because: 'Nothing in the pipelines puts load on the service while it is deployed.',
    evidence: [],
  }
}

function messages(facts: Facts): Box {
  const id = 'messages'
  const says = 'Incident communication templates ready for your service’s stakeholders'
  const files = filesWith(
    facts,
    /(^|\/)(comms?|communications?|messages|incident-comms|templates\/incident)\/[^/]+\.(md|txt|html?)$|incident-(message|comms)[^/]*\.md$/i,
  )
  const audiences = facts.service?.comms.audiences ?? []
  if (files.length === 0) return { id, says, state: 'no', because: 'There are no texts for an incident.', evidence: [] }
  const without = audiences.filter(
    (audience) =>
      !files.some((file) => file.path.includes(audience.id) || file.text.includes(audience.name ?? audience.id)),
  )
  if (audiences.length === 0)
    return {
      id,
      says,
      state: 'person',
      because: `${plural(files.length, 'text')} here; without a service.yaml nothing says for whom they must be.`,
      evidence: files.slice(0, 5).map((file) => file.path),
    }
  return without.length === 0
    ? {
        id,
        says,
        state: 'yes',
        because: `There is one for each of the ${audiences.length} audiences.`,
        evidence: files.slice(0, 5).map((file) => file.path),
      }
    : {
        id,
        says,
        state: 'no',
        because: `There is none for ${listOf(without.map((audience) => audience.id))}.`,
        evidence: files.slice(0, 3).map((file) => file.path),
      }
}

function recoveryFits(facts: Facts): Box {
  const id = 'recovery'
  const says = 'Recovery time objectives align with citizen tolerance for outage'
  const { service } = facts
  if (!service)
    return {
      id,
      says,
      state: 'person',
      because: 'Without a service.yaml nothing says how long citizens can do without.',
      evidence: [],
    }
  const planned = Object.values(service.deployment.rollback.budget).reduce((sum, part) => sum + part, 0)
  const tight = [...service.journeys].sort((a, b) => a.tolerance.recoverMinutes - b.tolerance.recoverMinutes)[0]
  if (!tight) return { id, says, state: 'no', because: 'The definition names no journey.', evidence: ['service.yaml'] }
  const promised = Math.max(planned, service.deployment.rollback.maxMinutes)
  return promised <= tight.tolerance.recoverMinutes
    ? {
        id,
        says,
        state: 'yes',
        because: `Going back is promised in ${promised} min; "${tight.name}" must be back in ${tight.tolerance.recoverMinutes}.`,
        evidence: ['service.yaml'],
      }
    : {
        id,
        says,
        state: 'no',
        because: `Going back is promised in ${promised} min, and "${tight.name}" must be back in ${tight.tolerance.recoverMinutes}.`,
        evidence: ['service.yaml'],
      }
}

function dashboards(facts: Facts): Box {
  const id = 'dashboards'
  const says = 'Monitoring dashboards show citizen experience, not just server metrics'
  const boards = filesWith(
    facts,
    /\.(json|ya?ml|tf)$/,
    /"panels"\s*:|AWS::CloudWatch::Dashboard|aws_cloudwatch_dashboard|grafana_dashboard/,
  )
  if (boards.length === 0)
    return { id, says, state: 'no', because: 'There is no dashboard in this repository.', evidence: [] }
  const seen = boards.filter((file) =>
    /journey|citizen|submit|applicat|status=~?\\?"5|5[xX]{2}|success|latency|duration_seconds|TargetResponseTime|availability/i.test(
      file.text,
    ),
  )
  return seen.length > 0
    ? {
        id,
        says,
        state: 'yes',
        because: 'At least one shows success or waiting time of what citizens ask for.',
        evidence: seen.slice(0, 3).map((file) => file.path),
      }
    : {
        id,
        says,
        state: 'no',
        because: 'They show servers only.',
        evidence: boards.slice(0, 3).map((file) => file.path),
      }
}

/** Gates before the production deployments of the tree, for the answer to the first question. */
export function gatesSeen(facts: Facts): readonly string[] {
  const kinds = ['tests', 'security', 'accessibility'] as const
  const before = facts.world.pipelines
    .filter((pipeline) => productionJobs(pipeline).length > 0)
    .flatMap((pipeline) => pipeline.jobs.flatMap((job) => job.steps))
  return kinds.filter((kind) => before.some((step) => isGate(step, kind)))
}
