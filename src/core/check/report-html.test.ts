import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './judge.ts'
import { htmlReport } from './report-html.ts'
import { RULES } from './table.ts'

const page = (files: Readonly<Record<string, string>>) => {
  const tree = { files: Object.entries(files).map(([path, text]) => ({ path, text })), problems: [] }
  return htmlReport(judge(tree, RULES, 0), RULES)
}

test('a question that no file was judged by is open, not answered', () => {
  assert.equal(page({}).match(/Open: no file that was checked shows it/g)?.length, 12)
  const docker = page({ Dockerfile: 'FROM node:20.19.2\nCMD ["node", "server.js"]\n' })
  assert.match(docker, /Do requests and jobs in flight finish\?<\/th><td>Nothing found; \d+ checks? passed/)
  assert.match(docker, /half-filled form during the deployment\?<\/th><td>Open/)
})
