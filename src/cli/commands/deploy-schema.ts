import { dirname, join, relative } from 'node:path'
import { EXIT, type ExitCode, OpsError } from '../../core/errors.ts'
import type { SchemaOutcome } from '../../station/schema-step.ts'
import type { Command } from '../command.ts'
import { readDefinition, textOf } from './define.ts'

const EXITS: Readonly<Record<SchemaOutcome['outcome'], ExitCode>> = {
  done: EXIT.done,
  refused: EXIT.no,
  failed: EXIT.no,
  unreachable: EXIT.unreachable,
}

/** One step of a schema change by itself, for pipelines whose platform moves releases. */
export const deploySchema: Command = {
  name: 'deploy schema',
  args: '<step>',
  says: 'Takes one step of a schema change where a platform moves the releases: expand before traffic, backfill, contract when nobody goes back any more. The folder is migrations.folder beside the definition.',
  example: 'holdfast deploy schema expand',
  exits: {
    1: 'refused, or a file failed and was undone; what it says is why',
    3: 'the database of the service cannot be reached',
  },
  async run(call) {
    const { loadService } = await import('../../core/define/load.ts')
    const { SCHEMA_STEPS, schemaStep } = await import('../../station/schema-step.ts')
    const { sqlFilesOf } = await import('../../station/deploy.ts')
    const { serviceEnv } = await import('../../station/station.ts')
    const { postgresSchema } = await import('../../adapters/postgres/schema.ts')
    const step = SCHEMA_STEPS.find((one) => one === call.args[0])
    if (!step)
      throw new OpsError('NO_SUCH_STEP', {
        message: `There is no step "${String(call.args[0]).slice(0, 40)}".`,
        fix: `one of ${SCHEMA_STEPS.join(', ')}`,
        exit: EXIT.usage,
      })
    const shown = relative(call.io.cwd, call.service) || call.service
    const { service } = loadService(readDefinition(call.service, shown), shown)
    const migrations = service?.migrations
    if (migrations?.tool !== 'holdfast')
      throw new OpsError('NOT_OURS', {
        message: service
          ? `The migrations of ${shown} are applied by ${migrations?.tool ?? 'nobody'}, not by Holdfast.`
          : `${shown} has errors.`,
        fix: service ? 'migrations.tool: holdfast, or the commands of your tool in migrations.run' : 'holdfast define',
        exit: EXIT.usage,
      })
    const url = serviceEnv(call.io.env)[migrations.databaseEnv]
    if (!url)
      throw new OpsError('SETTING_MISSING', {
        message: `The service needs ${migrations.databaseEnv}, which is not set here.`,
        fix: `export SERVICE_${migrations.databaseEnv}=…`,
        exit: EXIT.usage,
      })
    const schema = postgresSchema({
      url,
      lockTimeoutMs: migrations.lockTimeoutMs,
      statementTimeoutMs: migrations.statementTimeoutMs,
    })
    try {
      const files = await sqlFilesOf([join(dirname(call.service), migrations.folder)])
      const answer = await schemaStep(schema, migrations, files, step, {
        now: Date.now,
        stop: call.io.stop,
        onProgress: call.io.progress,
      })
      for (const finding of answer.findings) call.io.progress(textOf(finding))
      call.io.out(call.json ? JSON.stringify({ step, ...answer }) : answer.says)
      return EXITS[answer.outcome]
    } finally {
      await schema.close()
    }
  },
}
