/**
 * What can be wrong with a definition: one row a rule. A row says what it does to citizens and where the rule comes from;
 * the sentence about the case at hand is made where it is found. `docs/reference/define-rules.md` is made from this table.
 */
import type { Severity } from '../errors.ts'

export interface DefineRule {
  readonly id: string
  readonly severity: Severity
  /** The question the rule answers. */
  readonly asks: string
  readonly harm: string
  readonly cites: string
}

const PLAYBOOK = 'playbook'

export const DEFINE_RULES = [
  // The text.
  row(
    'yaml-syntax',
    'error',
    'Is it YAML that every reader understands alike?',
    'A definition that cannot be read protects nobody: nothing is deployed, watched or answered by it.',
    'YAML 1.2.2',
  ),
  row(
    'yaml-trap',
    'error',
    'Would another YAML reader see something else?',
    'A time, a phone number or a "no" becomes another value in another tool, and citizens are given the wrong number.',
    'YAML 1.1 and 1.2.2, plain scalars',
  ),
  row(
    'duplicate-key',
    'error',
    'Does a key stand twice?',
    'One of the two values is lost without a word, and it may be the one that somebody changed last night.',
    'YAML 1.2.2 section 3.2.1.3',
  ),
  row(
    'too-large',
    'error',
    'Is the file of a sane size and depth?',
    'A file that exhausts the reader stops every deployment and every rollback.',
    'bounded input',
  ),
  row(
    'question-open',
    'warn',
    'Has each question of the draft been answered?',
    'A default stands where nobody has decided anything, and reads like a decision.',
    'holdfast init',
  ),
  // The fields.
  row(
    'unknown-key',
    'error',
    'Is every key known?',
    'A misspelt key is a promise that nobody keeps: the default is used, and nobody notices until citizens do.',
    'schema',
  ),
  row(
    'missing',
    'error',
    'Is everything there that must be decided?',
    'What is not written down is decided at 3am by somebody who does not know the service.',
    'schema',
  ),
  row(
    'wrong-type',
    'error',
    'Is each value of the right kind?',
    'The value would be read as something else, or not at all.',
    'schema',
  ),
  row(
    'wrong-unit',
    'error',
    'Is each number in the unit of its name?',
    'A limit that is a thousand times too long never fires; one that is too short takes good releases back.',
    'schema',
  ),
  row(
    'wrong-value',
    'error',
    'Is each value one of the known ones?',
    'The setting has no effect, and the default is used instead.',
    'schema',
  ),
  row(
    'bad-format',
    'error',
    'Is each text of the right form?',
    'The value cannot be used where it is needed: in a route, a page, a date or a command.',
    'schema',
  ),
  row(
    'out-of-range',
    'error',
    'Is each number in its range?',
    'The number cannot be meant: a threshold made from it would never fire, or always.',
    'schema',
  ),
  row(
    'duplicate-id',
    'error',
    'Is every id unique?',
    'Alerts, runbooks and evidence of two things would be mixed up during an incident.',
    'schema',
  ),
  row(
    'unknown-reference',
    'error',
    'Does everything that is named exist?',
    'The alert, freeze or message that hangs on this name never happens.',
    'schema',
  ),
  row(
    'secret-in-definition',
    'error',
    'Is it free of secrets?',
    'The definition is copied into kits, evidence and agents; whoever reads one can read citizens’ data.',
    'NCSC secure development principle 3',
  ),
  // Failure modes.
  row(
    'too-many-failure-modes',
    'error',
    'Are there at most five failure modes?',
    'With more than five, the one that harms most citizens is rehearsed as rarely as the one that harms none.',
    `${PLAYBOOK}: constrain to top 5 failure modes by citizen impact`,
  ),
  row(
    'failure-mode-ranks',
    'error',
    'Are failure modes ranked 1, 2, 3 … by harm?',
    'Without an order, the person on call may mend the lesser harm first.',
    `${PLAYBOOK}: top 5 by citizen impact`,
  ),
  row(
    'failure-mode-without-journey',
    'error',
    'Does each failure mode break a journey?',
    'An alert that stands for no citizen wakes people for nothing, until they stop reading alerts.',
    `${PLAYBOOK}: alerts based on citizen impact, not system metrics`,
  ),
  row(
    'journey-without-failure-mode',
    'warn',
    'Has each harmful journey a failure mode?',
    'Nobody has thought about how this journey fails, so there is neither alert nor runbook for it.',
    `${PLAYBOOK}: incident runbooks exist for each failure mode`,
  ),
  row(
    'silent-failure-unseen',
    'error',
    'Is each silent failure looked for?',
    'No error is ever seen, so an alert on errors stays quiet while citizens lose out, for days.',
    'public incidents: 15,841 cases lost at a row limit in 2020, unseen for eight days',
  ),
  row(
    'first-action-needs-more-time',
    'warn',
    'Does the first action fit into the promised recovery?',
    'The one safe thing to do takes longer than citizens were promised the whole recovery would.',
    `${PLAYBOOK}: recovery time objectives align with citizen tolerance`,
  ),
  row(
    'command-input-unknown',
    'error',
    'Is it said where each variable of a command is found?',
    'The person on call cannot run the one command that would help.',
    `${PLAYBOOK}: runbooks executable by someone with no prior service knowledge`,
  ),
  // Time.
  row(
    'peak-in-utc',
    'error',
    'Is every time a London wall time?',
    'A time in UTC is an hour out all summer: the freeze ends, or the deadline falls, while citizens are still applying.',
    'Summer Time Act 1972',
  ),
  row(
    'unknown-timezone',
    'error',
    'Is the time zone a real one?',
    'Windows, freezes and deadlines cannot be computed at all.',
    'IANA time zone database',
  ),
  row(
    'impossible-date',
    'error',
    'Does each date exist?',
    'The freeze, the holiday or the review that hangs on this date never comes.',
    'ISO 8601',
  ),
  row(
    'peak-without-time',
    'error',
    'Does each peak say when, once?',
    'Releases go out in the middle of the peak, because nobody can tell when it is.',
    `${PLAYBOOK}: peak demand patterns`,
  ),
  row(
    'peak-never-happens',
    'error',
    'Does each recurrence ever happen?',
    'The freeze never begins.',
    'RFC 5545 section 3.3.10',
  ),
  row(
    'clock-change-hour',
    'warn',
    'Is nothing scheduled between 01:00 and 02:00?',
    'Once a year this hour does not exist, and once a year it comes twice: the run is lost, or citizens are paid twice.',
    'clocks change at 01:00 UTC in March and October',
  ),
  row(
    'schedule-ends-before-it-starts',
    'error',
    'Can each scheduled run be done in time?',
    'The promise to citizens is missed every day, even when everything works.',
    'arithmetic',
  ),
  row(
    'window-never-open',
    'error',
    'Is there ever a window for a release?',
    'A fix for citizens can never go out without breaking the rules.',
    `${PLAYBOOK}: a deployment window that avoids peak demand periods`,
  ),
  row(
    'calendar-unchecked',
    'warn',
    'Is each calendar compared with its source?',
    'Holidays and sittings get moved. A freeze on last year’s days protects nobody.',
    'bank holidays were moved in 2020 and 2022',
  ),
  // People.
  row(
    'rota-gap',
    'error',
    'Is somebody on duty at every minute that is promised?',
    'The page goes to nobody, and citizens wait until somebody comes to work.',
    `${PLAYBOOK}: on-call rotation documented and agreed`,
  ),
  row(
    'escalation-reaches-nobody',
    'error',
    'Does every rung of the ladder reach somebody else?',
    'If the first person sleeps, nobody comes.',
    `${PLAYBOOK}: escalation paths account for out-of-hours scenarios`,
  ),
  row(
    'approvals-impossible',
    'warn',
    'Can the agreements be given that a release needs?',
    'The fix that citizens wait for stands still until somebody breaks the glass.',
    `${PLAYBOOK}: approval by somebody other than the deployer`,
  ),
  row(
    'page-outside-cover',
    'error',
    'Is somebody there when a timed page is sent?',
    'The page is sent at a time when nobody is on call, so the deadline passes.',
    'page time = deadline − repair − person',
  ),
  row(
    'language-not-spoken',
    'warn',
    'Do citizens get messages in each language?',
    'People served in this language are told about the outage in another.',
    'Welsh Language (Wales) Measure 2011',
  ),
  row(
    'nothing-must-be-said',
    'warn',
    'Is it said what every message must answer?',
    'The first message says that “we are experiencing technical difficulties”, and helps nobody.',
    `${PLAYBOOK}: incident communication templates ready`,
  ),
  // Objectives.
  row(
    'objective-without-budget',
    'error',
    'Does each objective leave a budget?',
    'An objective of 100 % has no budget to burn: the alert divides by zero and never fires.',
    'SRE Workbook, alerting on SLOs',
  ),
  row(
    'objective-unmeasurable',
    'error',
    'Can this traffic measure the objective?',
    'One single failure breaks it and none proves it, so the alert is noise, and is switched off.',
    'arithmetic on the demand of the journey',
  ),
  row(
    'recovery-longer-than-tolerance',
    'error',
    'Is recovery promised before citizens are harmed?',
    'Even a perfect recovery comes after the harm.',
    `${PLAYBOOK}: recovery time objectives align with citizen tolerance for outage`,
  ),
  row(
    'rollback-budget',
    'error',
    'Does the way back fit into the promise?',
    'Citizens stay on a bad release longer than promised.',
    `${PLAYBOOK}: reversed within 15 minutes`,
  ),
  row(
    'page-budget-cannot-hold',
    'error',
    'Can the page be that fast on that connection?',
    'People on slow connections wait, although every size limit is met.',
    'arithmetic: four round trips and the bytes',
  ),
  // Deployment and runtime.
  row(
    'stop-cuts-requests',
    'error',
    'May each request finish before its replica is stopped?',
    'Citizens in the middle of a request lose it with every deployment.',
    `${PLAYBOOK}: will in-flight citizen requests complete successfully?`,
  ),
  row(
    'single-replica',
    'warn',
    'Is there more than one replica?',
    'When the one replica dies, every citizen sees an error until it is back.',
    'arithmetic',
  ),
  row(
    'component-cannot-start',
    'error',
    'Is it said how each component starts?',
    'The release cannot be started, so neither can the one that mends it.',
    'schema',
  ),
  row(
    'traffic-cannot',
    'error',
    'Can what moves citizens do what the strategy asks?',
    'The release could never be proven the way it was agreed, and would not be deployed at all.',
    'docs/adr/0014',
  ),
  row(
    'rungs-not-rising',
    'error',
    'Do the rungs of the canary rise to the hold-back?',
    'The release is proven on fewer citizens than the plan says, or never promoted.',
    'deployment strategy',
  ),
  row(
    'shadow-cannot-prove',
    'error',
    'Is the shadow sample large enough to prove its limit?',
    'A wrong release passes the gate because too little was compared.',
    'exact Poisson bound, one-sided 95 %',
  ),
  row(
    'breaking-migration',
    'error',
    'Do both releases work on the new schema?',
    'While two releases run, one of them fails at every request; going back is impossible.',
    `${PLAYBOOK}: are database changes backwards-compatible?`,
  ),
  row(
    'gate-without-command',
    'warn',
    'Can each gate be run?',
    'A gate that nothing runs has failed or, worse, is taken for passed.',
    `${PLAYBOOK}: compliance validation that runs automatically`,
  ),
  row(
    'gates-missing',
    'warn',
    'Are the gates there that every service needs?',
    'Faults that a machine finds in minutes are found by citizens.',
    `${PLAYBOOK}: unit tests, integration tests, security scans, accessibility checks`,
  ),
  // Dependencies and data.
  row(
    'no-fallback',
    'error',
    'Has each dependency of a harmful journey a fallback?',
    'When somebody else’s system stops, citizens of this journey get nothing and are told nothing.',
    `${PLAYBOOK}: external dependencies`,
  ),
  row(
    'personal-data-without-retention',
    'error',
    'Is it said how long personal data is kept?',
    'Data about people is kept for ever, and every breach then reaches further back.',
    'UK GDPR article 5(1)(e)',
  ),
  row(
    'dpia-missing',
    'warn',
    'Is it said what calls for a new impact assessment?',
    'A release begins to use people’s data in a new way, and nobody asks what that does to them.',
    `${PLAYBOOK}: data protection impact assessment triggers`,
  ),
  row(
    'source-of-nothing',
    'warn',
    'Does each note of a source belong to a value?',
    'The value it spoke of has changed its place, and an assumption now reads as a fact.',
    'provenance',
  ),
] as const satisfies readonly DefineRule[]

export type DefineRuleId = (typeof DEFINE_RULES)[number]['id']

function row<const Id extends string>(id: Id, severity: Severity, asks: string, harm: string, cites: string) {
  return { id, severity, asks, harm, cites } as const
}

const byId: ReadonlyMap<string, DefineRule> = new Map(DEFINE_RULES.map((rule) => [rule.id, rule]))

/** The row of a rule. */
export function ruleOf(id: DefineRuleId): DefineRule {
  return byId.get(id)!
}
