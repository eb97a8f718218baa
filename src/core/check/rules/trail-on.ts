import { flag, spotOf } from '../formats/node.ts'
import { field } from '../models/cloud.ts'
import { fail, pass, type Rule, type Verdict } from '../rule.ts'

export const trailOn: Rule = {
  id: 'trail-on',
  question: 9,
  title: 'The audit trail records, and shows when somebody altered it',
  formats: ['cloudformation', 'terraform'],
  severity: 'error',
  reach: 1,
  harm: 'Nobody can show afterwards who changed what citizens were using.',
  defaults:
    'Terraform: enable_logging true, enable_log_file_validation false. CloudFormation: IsLogging is required, EnableLogFileValidation false.',
  fix: 'IsLogging: true and EnableLogFileValidation: true.',
  cites: 'AWS CloudTrail user guide: validating log file integrity',
  bad: { 'trail.tf': 'resource "aws_cloudtrail" "main" {\n  enable_logging = false\n}\n' },
  good: { 'trail.tf': 'resource "aws_cloudtrail" "main" {\n  enable_log_file_validation = true\n}\n' },
  *check(world): Iterable<Verdict> {
    for (const trail of world.cloud.filter((resource) => resource.type === 'trail')) {
      const logging = field(trail, 'IsLogging', 'enable_logging')
      const validated = field(trail, 'EnableLogFileValidation')
      if (flag(logging) === false) yield fail(spotOf(logging!), `${trail.id} is declared and turned off.`)
      else if (validated?.kind === 'opaque') continue
      else if (flag(validated) !== true)
        yield fail(
          validated ? spotOf(validated) : trail.at,
          `Nobody would notice when the files of ${trail.id} are altered.`,
          { severity: 'warn' },
        )
      else yield pass(trail.at)
    }
  },
}
