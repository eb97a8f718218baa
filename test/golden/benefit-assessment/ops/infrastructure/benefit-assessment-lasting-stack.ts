// holdfast:begin benefit-assessment-lasting-stack
import {
  Aws,
  aws_cloudtrail as cloudtrail,
  aws_ecr as ecr,
  aws_s3 as s3,
  CfnDeletionPolicy,
  Stack,
  type StackProps,
} from 'aws-cdk-lib'
import type { Construct } from 'constructs'

/** What lasts of "Benefit assessment": set up once, before the first release */
export class BenefitAssessmentLastingStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, { description: 'What lasts of "Benefit assessment": set up once, before the first release', ...props })

    // The definition names registry.assessment.example/engine. Production runs from here, where a tag cannot move.
    const engineImages = new ecr.CfnRepository(this, 'EngineImages', {
      repositoryName: 'benefit-assessment/engine',
      // a tag that moves makes the way back a guess
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      lifecyclePolicy: {
        // images that stay: a release a day at most × 14 days between two rehearsals of going back = 14; at least 10
        lifecyclePolicyText: '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":14},"action":{"type":"expire"}}]}',
      },
    })
    engineImages.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    engineImages.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    const paymentFileImages = new ecr.CfnRepository(this, 'PaymentFileImages', {
      repositoryName: 'benefit-assessment/payment-file',
      // a tag that moves makes the way back a guess
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
      lifecyclePolicy: {
        // images that stay: a release a day at most × 14 days between two rehearsals of going back = 14; at least 10
        lifecyclePolicyText: '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":14},"action":{"type":"expire"}}]}',
      },
    })
    paymentFileImages.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    paymentFileImages.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    const trailFiles = new s3.CfnBucket(this, 'TrailFiles', {
      bucketEncryption: {
        serverSideEncryptionConfiguration: [{ serverSideEncryptionByDefault: { sseAlgorithm: 'AES256' } }],
      },
      versioningConfiguration: { status: 'Enabled' },
      publicAccessBlockConfiguration: {
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      },
      lifecycleConfiguration: {
        rules: [
          {
            id: 'old-files',
            status: 'Enabled',
            // a year for the yearly audit and a month to hold it: 365 + 31 = 396 days, rounded up
            expirationInDays: 400,
          },
        ],
      },
    })
    trailFiles.cfnOptions.deletionPolicy = CfnDeletionPolicy.RETAIN
    trailFiles.cfnOptions.updateReplacePolicy = CfnDeletionPolicy.RETAIN

    const trailFilesPolicy = new s3.CfnBucketPolicy(this, 'TrailFilesPolicy', {
      bucket: trailFiles.ref,
      policyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'TrailAsks',
            Effect: 'Allow',
            Principal: { Service: 'cloudtrail.amazonaws.com' },
            Action: 's3:GetBucketAcl',
            Resource: trailFiles.attrArn,
          },
          {
            Sid: 'TrailWrites',
            Effect: 'Allow',
            Principal: { Service: 'cloudtrail.amazonaws.com' },
            Action: 's3:PutObject',
            Resource: `${trailFiles.attrArn}/AWSLogs/${Aws.ACCOUNT_ID}/*`,
            Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
          },
        ],
      },
    })

    // Leave this out where your landing zone keeps a trail of the whole organisation.
    const trail = new cloudtrail.CfnTrail(this, 'Trail', {
      trailName: 'benefit-assessment-audit',
      s3BucketName: trailFiles.ref,
      isLogging: true,
      isMultiRegionTrail: true,
      includeGlobalServiceEvents: true,
      enableLogFileValidation: true,
    })
    trail.addResourceDependency(trailFilesPolicy)
  }
}
// holdfast:end benefit-assessment-lasting-stack
