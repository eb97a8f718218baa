/** AWS CodePipeline, from CloudFormation, Terraform or its own JSON, as a pipeline of stages in a row. */
import { allText, fields, items, type Node, type Source, spotOf, text } from '../formats/node.ts'
import { field, fieldOf, type Resource } from './cloud.ts'
import type { Job, Pipeline, Step } from './pipeline.ts'

export function codepipelines(
  cloud: readonly Resource[],
  documents: readonly { src: Source; root: Node }[],
): readonly Pipeline[] {
  const fromCloud = cloud.filter((resource) => resource.type === 'codepipeline')
  const fromJson = documents.map(({ src, root }): Resource => {
    const inner = fields(root).find(([key]) => key === 'pipeline')?.[1] ?? root
    return {
      type: 'codepipeline',
      written: 'codepipeline',
      id: src.file,
      from: 'ecs',
      body: inner,
      whole: inner,
      at: spotOf(inner),
      src,
      resolve: (node) => node,
    }
  })
  return [...fromCloud, ...fromJson].map(pipelineOf)
}

function pipelineOf(resource: Resource): Pipeline {
  // Terraform repeats the block `stage`; CloudFormation and the API have a list `Stages`.
  const stages = items(field(resource, 'Stages', 'stage')).map((stage) => resource.resolve(stage))
  const jobs = stages.map((stage, index): Job => {
    const id = text(fieldOf(resource, stage, 'Name')) ?? `stage ${index + 1}`
    const before = stages[index - 1]
    const actions = items(fieldOf(resource, stage, 'Actions') ?? fieldOf(resource, stage, 'action'))
    return {
      id,
      at: spotOf(stage),
      needs: before ? [text(fieldOf(resource, before, 'Name')) ?? `stage ${index}`] : [],
      steps: actions.map((action) => stepOf(resource, action)),
      node: stage,
    }
  })
  const { file } = resource.src
  return {
    tool: 'codepipeline',
    name: resource.id,
    file,
    at: resource.at,
    triggers: ['push'],
    jobs,
    node: resource.body,
    sequential: true,
  }
}

function stepOf(resource: Resource, action: Node): Step {
  const part = (path: string) => text(fieldOf(resource, action, path))
  // Terraform writes category and provider beside the name; the others inside ActionTypeId.
  const category = part('ActionTypeId.Category') ?? part('category') ?? ''
  const provider = part('ActionTypeId.Provider') ?? part('provider') ?? ''
  const uses = category === 'Approval' ? 'Approval:Manual' : `${category}:${provider}`
  const configuration = fieldOf(resource, action, 'Configuration')
  return {
    at: spotOf(action),
    name: `${part('Name') ?? ''} ${allText(configuration).slice(0, 500)}`,
    run: '',
    uses,
    ...(configuration ? { with: configuration } : {}),
  }
}
