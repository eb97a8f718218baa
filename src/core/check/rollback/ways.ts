/** Every way back that the files of a tree describe, and what the schema adds to it. */
import { isContract, pendingMigrations, takesAway } from '../pending.ts'
import type { Answer } from '../rollback-time.ts'
import type { World } from '../world.ts'
import { argoWaysBack } from './argo.ts'
import { codedeployWaysBack } from './codedeploy.ts'
import { composeWaysBack } from './compose.ts'
import { ecsWaysBack } from './ecs.ts'
import { flaggerWaysBack } from './flagger.ts'
import { kubernetesWaysBack } from './kubernetes.ts'
import { lambdaWaysBack } from './lambda.ts'
import { scalingWaysBack } from './scaling-group.ts'

export function waysBack(world: World): readonly Answer[] {
  return [
    ecsWaysBack,
    codedeployWaysBack,
    kubernetesWaysBack,
    argoWaysBack,
    flaggerWaysBack,
    lambdaWaysBack,
    scalingWaysBack,
    composeWaysBack,
  ].flatMap((waysOf) => waysOf(world))
}

/** What going back costs in the database: nothing, or a restore whose time stands in no file. */
export interface SchemaStep {
  readonly seconds: 0 | undefined
  readonly says: string
}

export function schemaStep(world: World): SchemaStep {
  const pending = pendingMigrations(world)
  if (pending.length === 0) return { seconds: 0, says: 'Schema: no migration is waiting: 0 s.' }
  const taking = pending.flatMap((migration) =>
    migration.effects
      .filter((effect) => takesAway(effect) && !isContract(migration, effect))
      .map((effect) => ({ migration, effect })),
  )
  const [first] = taking
  if (!first) return { seconds: 0, says: `Schema: ${pending.length} waiting, and none takes anything away: 0 s.` }
  return {
    seconds: undefined,
    says: `Schema: ${first.migration.src.file}:${first.effect.line} takes ${first.effect.part ?? first.effect.object} away. Going back then means a restore, and no file says how long that takes.`,
  }
}
