/**
 * What the checker finds and what it costs: precision and recall of each rule over the labelled set and the rules' own examples,
 * then the time and memory of whole commands (check-cost.ts). Prints tables; passes no judgement on time.
 */
import { judge } from '../src/core/check/judge.ts'
import { RULES } from '../src/core/check/table.ts'
import { CASES as labelled } from '../test/check/labelled/all.ts'
import { measureCost } from './check-cost.ts'

const TODAY = Date.parse('2026-11-23T09:00:00Z')

interface Score {
  hit: number
  falseAlarm: number
  missed: number
}

function treeOf(files: Readonly<Record<string, string>>) {
  return {
    files: Object.entries(files).map(([path, text]) => ({ path, text })),
    problems: [],
    paths: Object.keys(files),
  }
}

function failures(files: Readonly<Record<string, string>>) {
  return judge(treeOf(files), RULES, TODAY).findings.filter(
    (finding) => finding.verdict === 'fail' && !finding.suppressed,
  )
}

const scores = new Map<string, Score>(RULES.map((rule) => [rule.id, { hit: 0, falseAlarm: 0, missed: 0 }]))
let errorsOnClean = 0
for (const { files, finds, may = [] } of labelled) {
  const all = failures(files)
  const found = new Set(all.filter((finding) => finding.severity !== 'info').map((finding) => finding.rule))
  for (const rule of finds) scores.get(rule)![found.has(rule) ? 'hit' : 'missed']++
  for (const rule of found) if (!finds.includes(rule) && !may.includes(rule)) scores.get(rule)!.falseAlarm++
  if (finds.length === 0)
    errorsOnClean += all.filter((finding) => finding.severity === 'error' && !may.includes(finding.rule)).length
}
for (const rule of RULES) {
  const about = (files: Readonly<Record<string, string>>) =>
    judge(treeOf(files), RULES, TODAY).findings.some((finding) => finding.rule === rule.id)
  scores.get(rule.id)![about(rule.bad) ? 'hit' : 'missed']++
  if (about(rule.good)) scores.get(rule.id)!.falseAlarm++
}

const share = (part: number, whole: number) => (whole === 0 ? '   –' : (part / whole).toFixed(2).padStart(4))
console.log('rule                            found  false  missed  precision  recall')
const total: Score = { hit: 0, falseAlarm: 0, missed: 0 }
for (const [id, { hit, falseAlarm, missed }] of scores) {
  total.hit += hit
  total.falseAlarm += falseAlarm
  total.missed += missed
  const [precision, recall] = [share(hit, hit + falseAlarm), share(hit, hit + missed)]
  console.log(
    `${id.padEnd(32)}${String(hit).padStart(5)}${String(falseAlarm).padStart(7)}${String(missed).padStart(8)}${precision.padStart(11)}${recall.padStart(8)}`,
  )
}
const { hit, falseAlarm, missed } = total
console.log(
  `\nAll: precision ${share(hit, hit + falseAlarm).trim()}, recall ${share(hit, hit + missed).trim()}, ${labelled.length} labelled cases and ${RULES.length * 2} examples.`,
)
console.log(`Errors on cases that are clean: ${errorsOnClean}.`)
console.log('The set was written by the authors of the rules: read it as a test, not as a forecast.\n')

await measureCost(labelled.flatMap((one) => Object.entries(one.files)))
