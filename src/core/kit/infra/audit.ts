/** Who changed what in the account: CloudTrail, with files whose alteration shows. */

import type { Service } from '../../define/schema.ts'
import { PRIVATE_BUCKET } from './bucket.ts'
import { TRAIL_DAYS } from './figures.ts'
import { att, join, type Part, raw, ref } from './model.ts'

export function auditPart(service: Service): Part {
  const trail = `${service.service.id}-audit`
  const bucket = 'TrailFiles'
  return {
    parameters: [],
    resources: [
      {
        id: bucket,
        type: 'AWS::S3::Bucket',
        keep: true,
        props: {
          ...PRIVATE_BUCKET,
          LifecycleConfiguration: {
            Rules: [{ Id: 'old-files', Status: 'Enabled', ExpirationInDays: TRAIL_DAYS }],
          },
        },
      },
      {
        id: 'TrailFilesPolicy',
        type: 'AWS::S3::BucketPolicy',
        props: {
          Bucket: ref(bucket),
          PolicyDocument: raw({
            Version: '2012-10-17',
            Statement: [
              {
                Sid: 'TrailAsks',
                Effect: 'Allow',
                Principal: { Service: 'cloudtrail.amazonaws.com' },
                Action: 's3:GetBucketAcl',
                Resource: att(bucket, 'Arn'),
              },
              {
                Sid: 'TrailWrites',
                Effect: 'Allow',
                Principal: { Service: 'cloudtrail.amazonaws.com' },
                Action: 's3:PutObject',
                Resource: join(att(bucket, 'Arn'), '/AWSLogs/', ref('AWS::AccountId'), '/*'),
                Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
              },
            ],
          }),
        },
      },
      {
        id: 'Trail',
        type: 'AWS::CloudTrail::Trail',
        dependsOn: ['TrailFilesPolicy'],
        why: ['Leave this out where your landing zone keeps a trail of the whole organisation.'],
        props: {
          TrailName: trail,
          S3BucketName: ref(bucket),
          IsLogging: true,
          IsMultiRegionTrail: true,
          IncludeGlobalServiceEvents: true,
          EnableLogFileValidation: true,
        },
      },
    ],
  }
}
