/** The readiness checklist of the playbook, each box computed as far as the definition tells: yes with its evidence, no, or a person's. */
import type { Service } from '../define/schema.ts'
import { owedBy } from './measures.ts'
import { isOurs } from './pipelines/way.ts'
import { journeysOf, ladderWords, modesOf, runbookPath, type Source, sentence, stepsOf, webOf } from './source.ts'
import { languageName, untranslated } from './unavailable.ts'

/** Where somebody finds when the way back was last taken. */
function rehearsals(service: Service): string {
  return isOurs(service) ? 'holdfast prove log' : 'the runs of the rollback pipeline'
}

interface Box {
  readonly says: string
  /** Undefined: only a person can tell. */
  readonly holds: boolean | undefined
  readonly evidence: string
}

/** The playbook's quality checkpoints, each computed as far as the definition tells. */
export function readinessText({ service, deploymentFiles }: Source): string {
  const groups = boxes(service, deploymentFiles)
  const all = groups.flatMap((group) => group.boxes)
  const count = (holds: boolean | undefined) => all.filter((box) => box.holds === holds).length
  return [
    `# Is "${service.service.name}" ready?`,
    '',
    `${count(true)} yes, ${count(false)} no, ${count(undefined)} that only people can tell.`,
    ...groups.flatMap((group) => [
      '',
      `## ${group.title}`,
      '',
      ...group.boxes.map(
        (box) =>
          `- [${box.holds ? 'x' : ' '}] ${box.says}: ${box.holds === undefined ? 'needs a person' : box.holds ? 'yes' : 'no'}. ${sentence(box.evidence)}`,
      ),
    ]),
  ].join('\n')
}

/** Gates of these kinds by name. */
function gatesOf({ deployment }: Service, ...kinds: string[]): string {
  const found = deployment.gates.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id)
  return found.join(', ') || 'no gate'
}

/** Nobody can tell from here whether a translation is right; that there is none, can be told. */
function languageBoxes(service: Service): readonly Box[] {
  const others = service.service.languages.filter((language) => language !== 'en')
  if (others.length === 0) return []
  const missing = untranslated(service)
  return [
    {
      says: `Citizens are told in ${others.map(languageName).join(', ')} as well`,
      holds: missing.length > 0 ? false : undefined,
      evidence:
        missing.length > 0
          ? `ops/pages/unavailable.html has no words in ${missing.map(languageName).join(', ')} (comms.unavailable in service.yaml), and the messages in ops/comms wait for a translator`
          : 'the page has a translator’s words; the messages in ops/comms wait for theirs',
    },
  ]
}

function boxes(
  service: Service,
  files: readonly string[],
): readonly { readonly title: string; readonly boxes: readonly Box[] }[] {
  const modes = modesOf(service)
  const { deployment, oncall, comms } = service
  const kinds = new Set(deployment.gates.map((gate) => gate.kind))
  const web = webOf(service)
  const uncaught = modes.filter((mode) => !deployment.gates.some((gate) => gate.catches.includes(mode.id)))
  const sum = Object.values(deployment.rollback.budget).reduce((total, minutes) => total + minutes, 0)
  const owed = owedBy(service)
  const undemanded = service.journeys.filter(({ demand, steps }) => !demand && steps.length > 0).map(({ id }) => id)
  const vague = modes.filter(({ confirm, act }) => ![...confirm, act.first].every(({ expect }) => expect !== undefined))
  const unreachable = service.dependencies
    .filter(({ owner, triggerOnly, contact }) => owner !== 'us' && !triggerOnly && contact === undefined)
    .map(({ id }) => id)
  return [
    {
      title: 'Specifications',
      boxes: [
        {
          says: 'The pipeline specification covers gates and the way back',
          holds: deployment.gates.length > 0,
          evidence: `${deployment.gates.length} gates in .kiro/specs/deployment-pipeline${files.length > 0 ? `, and ${files.join(', ')}` : ''}`,
        },
        {
          says: 'There is a runbook for each failure mode',
          // Runbooks of the team's own are in its repository, and not made here.
          holds: modes.length === 0 ? false : modes.some((mode) => mode.runbook !== undefined) ? undefined : true,
          evidence: modes.map((mode) => runbookPath(mode)).join(', ') || 'no failure mode is defined',
        },
        {
          says: 'Objectives stand on journeys',
          holds: service.slis.some((sli) => sli.journey !== undefined),
          evidence:
            service.slis
              .filter((sli) => sli.journey !== undefined)
              .map((sli) => sli.id)
              .join(', ') || 'no indicator names a journey',
        },
        {
          says: 'Compliance covers accessibility, security and audit',
          holds: (kinds.has('accessibility') || stepsOf(service).length === 0) && kinds.has('scan'),
          evidence: `accessibility: ${gatesOf(service, 'accessibility')}; security: ${gatesOf(service, 'scan', 'secrets')}; audit: ${isOurs(service) ? 'holdfast prove log' : 'what the pipeline keeps of each run'}`,
        },
      ],
    },
    {
      title: 'Specific to this service',
      boxes: [
        {
          says: 'Gates look for the failures this service is likely to have',
          holds: uncaught.length === 0 && modes.length > 0,
          evidence:
            uncaught.length === 0
              ? 'each failure mode is named by a gate'
              : `no gate names ${uncaught.map((mode) => mode.id).join(', ')}`,
        },
        {
          says: 'Runbooks name this service’s components and dependencies',
          holds: modes.every((mode) => mode.components.length > 0 || mode.dependsOn !== undefined),
          evidence: `${modes.filter((mode) => mode.components.length > 0 || mode.dependsOn !== undefined).length} of ${modes.length} name theirs`,
        },
        {
          says: 'Thresholds come from harm to citizens',
          holds: undemanded.length === 0,
          evidence:
            undemanded.length === 0
              ? `ops/alerts/thresholds.md derives them for ${service.journeys.map((journey) => journey.id).join(', ')}`
              : `no demand is stated for ${undemanded.join(', ')}, so none can be derived there`,
        },
        {
          says: 'Checks match the data that is held',
          holds: service.data.dpia !== undefined || !service.data.kinds.some((kind) => kind.personal),
          evidence: service.data.dpia
            ? `${service.data.dpia.triggers.length} triggers of an impact assessment`
            : 'no trigger is stated',
        },
      ],
    },
    {
      title: 'Operation',
      boxes: [
        {
          says: 'The way back was tried and takes at most 15 minutes',
          holds: sum > 15 ? false : undefined,
          evidence: `planned ${sum} minutes; the last measured rehearsal is in ${rehearsals(service)}`,
        },
        {
          says: 'Health checks try what a citizen needs',
          holds: web ? web.readyChecks.length > 0 : undefined,
          evidence: web
            ? `${web.ready}: ${web.readyChecks.join(', ') || 'it is not said what it tries'}`
            : 'there is no web component',
        },
        {
          says: 'Alerts fire before citizens notice',
          holds: undefined,
          evidence:
            'ops/alerts/thresholds.md states when the first complaint is expected; holdfast check alerts proves each can fire',
        },
        {
          says: 'What the alerts rest on is measured',
          holds: owed.length === 0 ? true : undefined,
          evidence:
            owed.length === 0
              ? 'no alert needs a number of the service’s own'
              : `whoever runs the service looks that it exports ${owed.map(({ metric, value }) => `${metric} of ${value}`).join(', ')} (ops/alerts/metrics.md); nobody is watched by the alerts on a number that is missing`,
        },
        {
          says: 'Whoever runs a system it depends on can be called',
          holds: unreachable.length === 0 ? undefined : false,
          evidence:
            unreachable.length === 0
              ? 'somebody calls each of them once, at night (ops/docs/on-call.md)'
              : `no contact is given for ${unreachable.join(', ')}`,
        },
        {
          says: 'Rota and escalation are written down and agreed',
          holds: oncall.rotas.length > 0 ? undefined : false,
          evidence: ladderWords(service),
        },
      ],
    },
    {
      title: 'Papers for the person on call',
      boxes: [
        {
          says: 'A stranger can follow the runbooks',
          holds: undefined,
          evidence: 'a person who is not the author follows each with a stopwatch (.kiro/specs/incident-runbooks)',
        },
        {
          says: 'Decision points are clear',
          holds: vague.length === 0,
          evidence:
            vague.length === 0
              ? 'each runbook says what is seen when it is real, and what the first action shows'
              : `the definition does not say what is to be seen at a confirming step or after the first action of ${vague.map(({ id }) => id).join(', ')}`,
        },
        {
          says: 'Recovery was verified by somebody other than the author',
          holds: undefined,
          evidence: `whoever took part in the last rehearsal writes it down; when it was, is in ${rehearsals(service)}`,
        },
        { says: 'The review template is there', holds: true, evidence: 'ops/docs/post-incident-review.md' },
      ],
    },
    {
      title: 'Citizens',
      boxes: [
        {
          says: 'Deployment was tried under realistic load',
          holds: kinds.has('load') ? undefined : false,
          evidence: kinds.has('load')
            ? `gate ${deployment.gates
                .filter((gate) => gate.kind === 'load')
                .map((gate) => gate.id)
                .join(', ')}`
            : 'there is no load gate',
        },
        {
          says: 'Messages are drafted for each audience',
          holds: comms.audiences.length > 0 && comms.mustSay.length > 0,
          evidence: comms.audiences.map((audience) => audience.id).join(', '),
        },
        ...languageBoxes(service),
        {
          says: 'Recovery is promised before citizens are harmed',
          holds: service.journeys.every(
            (journey) =>
              journey.tolerance.harmAfterMinutes === undefined ||
              journey.tolerance.recoverMinutes <= journey.tolerance.harmAfterMinutes,
          ),
          evidence: service.journeys
            .map(
              (journey) =>
                `${journey.id} ${journey.tolerance.recoverMinutes} min${journey.tolerance.harmAfterMinutes === undefined ? '' : `, harm after ${journey.tolerance.harmAfterMinutes}`}`,
            )
            .join('; '),
        },
        {
          says: 'Dashboards show citizens first',
          holds: stepsOf(service).length > 0,
          evidence: `${stepsOf(service).length} steps are counted; journeys: ${modes.flatMap((mode) => journeysOf(service, mode)).length > 0 ? service.journeys.map((journey) => journey.id).join(', ') : 'none'}`,
        },
      ],
    },
  ]
}
