import * as z from 'zod'
import { amount, envName, id, line, listOf, positive, repoPath, says, severity, share, wallTime } from './words.ts'

/** Kinds of looking. A silent failure needs one that looks by itself: see SILENT_DETECTORS. */
export const DETECTORS = [
  'ratio',
  'latency',
  'saturation',
  'freshness',
  'reconciliation',
  'invariant',
  'by-time',
  'state-age',
  'oracle',
  'distribution',
  'demand',
  'shadow-difference',
  'synthetic',
  'drill',
  'gate',
] as const

/** Detectors that find what shows no error: they compare, recompute or look at samples. */
export const SILENT_DETECTORS: readonly string[] = [
  'freshness',
  'reconciliation',
  'invariant',
  'by-time',
  'state-age',
  'oracle',
  'distribution',
  'shadow-difference',
  'synthetic',
  'drill',
  'gate',
]

const detect = z.strictObject({
  kind: says(z.enum(DETECTORS), 'How it is noticed.', 'reconciliation'),
  sli: says(id, 'The indicator that shows it (see `slis`).', 'receipts-matched').optional(),
  says: says(
    line,
    'What is compared or measured, in words.',
    'receipts issued equal forms in the case system',
  ).optional(),
  breach: says(line, 'When that means trouble.', 'any receipt unmatched for more than 15 minutes').optional(),
  everyMinutes: says(positive, 'How often it looks, in minutes.', 5).optional(),
  forMinutes: says(amount, 'How long it must last, in minutes.', 3).optional(),
  limit: says(share, 'Share above which it is trouble.', 0.001).optional(),
  pageOnFirst: says(z.boolean().default(false), 'Whether a single case pages.', true),
  per: says(listOf(line, 5).default([]), 'Dimensions looked at apart.', ['department', 'metric']),
  also: says(listOf(line, 10).default([]), 'Further signs.', ['oldest render request over 120 s']),
  gate: says(z.boolean().default(false), 'Whether it also stops a release before citizens see it.', true),
  live: says(
    line,
    'What is still looked at after the gate.',
    'one in 200, and each new template’s first 50',
  ).optional(),
  pageAt: says(listOf(wallTime, 6).default([]), 'Wall times at which somebody is told if it still is so.', [
    '11:00',
    '14:00',
  ]),
})

const actionObject = z.strictObject({
  says: says(line, 'What to do, one thing, as an order.', 'Restart the submission worker'),
  run: says(
    z.string().min(1).max(1_000),
    'The command, exactly. Variables as "${NAME:?}", so that an unset one fails.',
    'holdfast deploy rollback --reason "submissions fail"',
  ).optional(),
  ui: says(line, 'Or the exact path of labels on a screen.', 'Console > Deployment > Take it back').optional(),
  expect: says(
    line,
    'What a stranger then sees. Under `confirm`: what they see when the failure is real.',
    '"phase":"rolled-back"',
  ).optional(),
  ifNot: says(
    line,
    'What it means, or what to do, when it is not so. "escalate" wakes the next person, "…; go on" leads to the next step, the id of another failure mode to its runbook.',
    'escalate',
  ).optional(),
  minutes: says(positive.default(3), 'How long it takes, in minutes.', 2),
  changes: says(line, 'What it touches; "nothing" for looking.', 'the running release').optional(),
  warn: says(line, 'What to know before doing it.', 'Citizens on the new release lose nothing').optional(),
  undo: says(line, 'How to take it back.', 'restore downloads when the queue is empty').optional(),
  approve: says(line, 'Role that must agree first.', 'incident lead').optional(),
})

/** An action is a sentence, or a sentence with its command, expected result and undo. */
export const action = z
  .union([line, actionObject])
  .transform(
    (given): z.output<typeof actionObject> => (typeof given === 'string' ? { says: given, minutes: 3 } : given),
  )

export const failureMode = z.strictObject({
  id: says(id, 'The failure mode; its alert, runbook, drill and test carry this name.', 'submissions-fail'),
  name: says(line, 'What it is called on a page at 3am.', 'Submissions fail'),
  rank: says(
    z.number().int().min(1).max(200),
    'Place by harm to citizens, 1 is the worst.',
    1,
    'playbook: top 5 failure modes',
  ),
  journeys: says(listOf(id, 10), 'Journeys it breaks. None: it does not belong here.', ['apply']),
  dependsOn: says(id, 'Dependency whose failure this is.', 'bank-check').optional(),
  components: says(listOf(id, 20).default([]), 'Components involved.', ['web']),
  citizenSees: says(line, 'What the citizen sees.', 'the problem page after Submit'),
  silent: says(z.boolean().default(false), 'True when no error is seen by anybody, so that somebody must look.', true),
  severityFloor: says(severity, 'Never less than this, whatever the volume.', 'P1').optional(),
  detect: says(detect, 'How it is noticed.', { kind: 'ratio', sli: 'submit-success' }),
  confirm: says(listOf(action, 10).min(1), 'How the person on call tells that it is real, apart from the alert.', [
    'submit the test application and look for the reference',
  ]),
  act: says(
    z.strictObject({
      first: says(action, 'The one safe thing to do, by anybody, at once.', 'take the release back'),
      // biome-ignore lint/suspicious/noThenProperty: the team’s word; a list is never mistaken for a promise.
      then: says(listOf(action, 10).default([]), 'What follows, in order.', ['restart the worker']),
      undo: says(line, 'How the first action is taken back.', 'deploy the release again'),
      persons: says(z.number().int().min(1).max(2).default(1), 'How many must agree: one or two.', 1),
      notify: says(listOf(id, 10).default([]), 'Audiences told at once (see `comms.audiences`).', ['contact-centre']),
    }),
    'What to do.',
    { first: 'take the release back', undo: 'deploy it again' },
  ),
  inputs: says(
    listOf(
      z.strictObject({
        name: says(envName, 'The variable, as commands write it.', 'FEED'),
        where: says(line, 'Where the person on call finds its value.', 'label "feed" of the alert'),
        sample: says(line, 'What a value looks like.', 'dept-07'),
      }),
      20,
    ).default([]),
    'Variables that the commands use. Each must be found by somebody who does not know the service.',
    [{ name: 'FEED', where: 'label "feed" of the alert', sample: 'dept-07' }],
  ),
  degrade: says(
    line,
    'What citizens still get meanwhile.',
    'applications are kept and dated; the date of receipt counts',
  ),
  degradeUntil: says(
    line,
    'When the reduced service ends.',
    'the queue is empty and the probe passes for 30 minutes',
  ).optional(),
  outsideClock: says(
    z.strictObject({
      hours: says(positive, 'Hours the clock runs.', 72, 'UK GDPR article 33 for personal data breaches'),
      starts: says(line, 'What starts it.', 'awareness'),
      owner: says(line, 'Who must act.', 'data protection officer'),
      to: says(line, 'Who must be told.', 'Information Commissioner'),
    }),
    'A clock that somebody outside runs on us.',
    { hours: 72, starts: 'awareness', owner: 'data protection officer', to: 'Information Commissioner' },
  ).optional(),
  seenInPublic: says(line, 'Where this has happened to others.', 'child benefit, 3 June 2024').optional(),
  note: says(
    line,
    'What else the person on call should know.',
    'after the effective date going back may be unlawful',
  ).optional(),
  runbook: says(
    repoPath,
    'A runbook of your own, instead of the generated one.',
    'runbooks/submissions-fail.md',
  ).optional(),
})

/** A failure mode that waits: known, ranked below the five, with the reason it may. */
export const deferredMode = z.strictObject({
  id: says(id, 'The failure mode.', 'sign-in-provider-down'),
  why: says(line, 'Why it may wait.', 'covered by the service-unavailable page and the phone line'),
  journeys: says(listOf(id, 10).default([]), 'Journeys it breaks.', ['apply']),
})
