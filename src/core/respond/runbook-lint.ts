/** What makes a runbook fail at 3am, found beforehand. Each rule counts what a step has, and none rewards length. */
import type { Find, Runbook, RunbookStep } from './runbook.ts'

type Parsed = Omit<Runbook, 'findings'>

// Ten lines fit on a phone without scrolling.
const FIRST_SCREEN_LINES_MAX = 10
// Words that hide a decision: the reader has to know already what they are told to find out.
const VAGUE =
  /\b(if confident|as appropriate|may want to|investigate|check the logs|usual tools|should be fine|it depends|somehow|ask someone who knows|as needed)\b/i
const DESTRUCTIVE =
  /\b(delete|drop|truncate|restart|purge|force|terminate|failover|kill|rm)\b|--scale[= ]0|\bscale to 0\b/i

export function lintRunbook(runbook: Parsed, text: string, find: Find): void {
  lintWhole(runbook, text, find)
  const seen = new Set<string>()
  for (const step of runbook.steps) {
    if (seen.has(step.id))
      find('step-id', 'error', step.line, `Two steps are called "${step.id}".`, 'Give each step a name of its own.')
    seen.add(step.id)
    lintStep(step, runbook, find)
  }
}

function lintWhole(runbook: Parsed, text: string, find: Find): void {
  const missing = (what: string, fix: string) => find('section', 'error', 1, `There is no ${what}.`, fix)
  if (!runbook.title) missing('title', 'Begin with "# " and what citizens cannot do.')
  if (!runbook.firstScreen)
    missing('first screen', 'Say under the title: what citizens see, how to confirm it, one safe action, who to wake.')
  const screen = runbook.firstScreen.split('\n').filter((line) => line.trim() !== '').length
  if (screen > FIRST_SCREEN_LINES_MAX) {
    find(
      'first-screen',
      'error',
      2,
      `The first screen has ${screen} lines.`,
      `Keep it to ${FIRST_SCREEN_LINES_MAX}: effect, confirmation, safe action, who to wake.`,
    )
  }
  if (runbook.steps.length === 0) missing('step', 'Write each action as a ```step block.')
  if (!runbook.escalation)
    missing('section "Escalation"', 'Name roles, routes and times; it ends with somebody who always answers.')
  if (!runbook.citizenMessage) missing('section "Tell citizens"', 'Write the words that go to citizens.')
  const last = runbook.steps.at(-1)
  if (last && last.changes !== 'nothing') {
    find(
      'last-step',
      'error',
      last.line,
      'The last step changes something, so nothing proves that citizens are served.',
      'End with a step that walks the journey and changes nothing.',
    )
  }
  const lines = text.split('\n')
  lines.forEach((line, i) => {
    const hole = /\bTB[CD]\b|\bTODO\b|\[(?:insert|your|name|link|add)\b[^\]\n]{0,60}\](?!\()/i.exec(line)
    if (hole) find('placeholder', 'error', i + 1, `"${hole[0]}" was never filled in.`, 'Fill it in, or take it out.')
    const vague = VAGUE.exec(line)
    if (vague)
      find(
        'vague',
        'error',
        i + 1,
        `"${vague[0]}" hides a decision.`,
        'Say what to look at, and the number that decides.',
      )
  })
}

function lintStep(step: RunbookStep, runbook: Parsed, find: Find): void {
  const fail = (rule: string, says: string, fix: string) => find(rule, 'error', step.line, says, fix)
  const name = step.id || 'A step'
  if (!/^[a-z0-9][a-z0-9-]{0,60}$/.test(step.id))
    fail('step-id', `"${step.id.slice(0, 60)}" is not a step's name.`, 'Use small letters, digits and hyphens.')
  if (!step.why) fail('step-why', `${name} does not say why.`, 'One line: what it tells apart, or what it brings back.')
  if ((step.run === null) === (step.ui === null))
    fail('step-action', `${name} needs either "run" or "ui".`, 'A command, or the exact label to press.')
  if (!step.expect)
    fail(
      'step-expect',
      `${name} does not say what to expect.`,
      'Something that a stranger can compare with what they see.',
    )
  if (step.ifNot.kind === 'none')
    fail(
      'if-not',
      `${name} does not say what to do when it does not work.`,
      'Add "if-not: go STEP" or "if-not: escalate ROLE".',
    )
  if (step.ifNot.kind === 'go') {
    const { step: target } = step.ifNot
    if (target === step.id) fail('if-not', `${name} leads to itself.`, 'Lead on, or escalate.')
    else if (!runbook.steps.some((one) => one.id === target))
      fail('if-not', `${name} leads to "${target}", which does not exist.`, 'Name a step of this runbook.')
  }
  if (step.minutes === null) fail('step-minutes', `${name} does not say how long it takes.`, 'Add "minutes: 2".')
  if (!step.changes)
    fail('step-changes', `${name} does not say what it changes.`, 'Write "changes: nothing", or what it touches.')
  if (step.changes && step.changes !== 'nothing' && step.undo === null) {
    fail(
      'step-undo',
      `${name} changes ${step.changes} and cannot be taken back.`,
      'Add "undo", or write "undo: cannot be undone".',
    )
  }
  if (step.run !== null) lintCommand(step, step.run, runbook, fail)
}

function lintCommand(
  step: RunbookStep,
  run: string,
  runbook: Parsed,
  fail: (rule: string, says: string, fix: string) => void,
): void {
  const { id: name } = step
  if (/^\s*[$#>] /m.test(run))
    fail('command-prompt', `The command of ${name} begins with a prompt.`, 'Leave only what is to be typed.')
  if (/[\u2018\u2019\u201c\u201d\u2026]/.test(run))
    fail('command-quotes', `The command of ${name} has typographic signs.`, 'Use plain quotes.')
  if (/<[a-z][a-z_ -]{0,40}>/i.test(run))
    fail(
      'command-placeholder',
      `The command of ${name} has a <placeholder>.`,
      `Use a variable that fails when it is empty: \${NAME:?}`,
    )
  if (/\bcurl\b[^|\n]*\|\s*(ba|z)?sh\b/.test(run))
    fail('command-pipe', `The command of ${name} runs what it downloads.`, 'Use a tool that is installed.')
  if (DESTRUCTIVE.test(run) && step.changes !== 'nothing' && step.warn === null) {
    fail(
      'command-warn',
      `${name} can destroy something and does not warn.`,
      'Add "warn": what it hits, and what citizens notice.',
    )
  }
  for (const [, variable, guard] of run.matchAll(/\$\{?([A-Z][A-Z0-9_]{0,40})(:\?)?/g)) {
    if (guard === undefined)
      fail('command-variable', `${name} uses ${variable}, which may be empty.`, `Write \${${variable}:?}`)
    if (!runbook.inputs.some((input) => input.name === variable)) {
      fail(
        'command-input',
        `${name} uses ${variable}, and Inputs does not say where to find it.`,
        'Add a row with where to find it and a sample.',
      )
    }
  }
}
