/** What a specification is, and how its files are written: requirements in EARS, design, and tasks that fit into an hour. */
import { createHash } from 'node:crypto'
import type { Service } from '../../define/schema.ts'
import { type KitFile, single } from '../file.ts'

export interface Requirement {
  readonly title: string
  readonly story: string
  /** EARS: each has one SHALL. */
  readonly criteria: readonly string[]
}

export interface Task {
  readonly title: string
  readonly details: readonly string[]
  readonly done: string
  /** Numbers of requirements, as "1.2". */
  readonly meets: readonly string[]
}

export interface Spec {
  readonly folder: string
  readonly title: string
  readonly requirements: readonly Requirement[]
  readonly design: readonly string[]
  readonly tasks: readonly { readonly group: string; readonly tasks: readonly Task[] }[]
}

export function filesOf(service: Service, spec: Spec): KitFile[] {
  const folder = `.kiro/specs/${spec.folder}`
  const from = [['deployment'], ['failureModes'], ['journeys']]
  const hex = createHash('sha256').update(`${service.service.id}/${spec.folder}`).digest('hex')
  const specId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
  return [
    single('kiro', `${folder}/requirements.md`, from, requirementsText(service, spec)),
    single('kiro', `${folder}/design.md`, from, [`# Design: ${spec.title}`, '', ...spec.design].join('\n')),
    single('kiro', `${folder}/tasks.md`, from, tasksText(spec)),
    single(
      'kiro',
      `${folder}/.config.kiro`,
      [['service', 'id']],
      `${JSON.stringify({ specId, workflowType: 'requirements-first', specType: 'feature' })}\n`,
    ),
  ]
}

function requirementsText(service: Service, spec: Spec): string {
  return [
    `# Requirements: ${spec.title}`,
    '',
    '## Introduction',
    '',
    `For "${service.service.name}". Numbers come from \`service.yaml\`.`,
    '',
    '## Requirements',
    ...spec.requirements.flatMap((requirement, i) => [
      '',
      `### Requirement ${i + 1}: ${requirement.title}`,
      '',
      `**User Story:** ${requirement.story}`,
      '',
      '#### Acceptance Criteria',
      '',
      ...requirement.criteria.map((criterion, j) => `${j + 1}. ${criterion}`),
    ]),
  ].join('\n')
}

function tasksText(spec: Spec): string {
  return [
    `# Tasks: ${spec.title}`,
    '',
    ...groupsOf(spec).flatMap(({ group, tasks }, i) => [
      `- [ ] ${i + 1}. ${group}`,
      ...tasks.flatMap((task, j) => [
        `  - [ ] ${i + 1}.${j + 1} ${task.title}`,
        ...task.details.map((detail) => `    - ${detail}`),
        `    - Done when: ${task.done}`,
        `    - _Requirements: ${task.meets.join(', ')}_`,
      ]),
    ]),
  ].join('\n')
}

/** Groups that have tasks: an empty one would be a task of its own, with nothing to do and no end. */
function groupsOf(spec: Spec) {
  return spec.tasks.filter(({ tasks }) => tasks.length > 0)
}

/** Number of a task, as its file writes it: "2.3". */
export function taskNumber(spec: Spec, group: string, index: number): string {
  return `${spec.folder} ${groupsOf(spec).findIndex((one) => one.group === group) + 1}.${index + 1}`
}

/** At most five together: a task must fit into an hour. */
export function chunksOf<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / 5) }, (_, i) => list.slice(i * 5, i * 5 + 5))
}
