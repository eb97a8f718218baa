/**
 * A site of files: each release under a prefix of its own in a private bucket, and one path in CloudFront that says which of them citizens
 * get. The bucket lasts and stands where the service does; the rest stands in us-east-1, where CloudFront keeps its figures and takes its
 * certificates from.
 */

import type { Component, Service } from '../../define/schema.ts'
import { PRIVATE_BUCKET } from './bucket.ts'
import { errorFigures, logDays } from './figures.ts'
import { att, join, noted, type Parameter, type Part, pascal, type Resource, raw, ref, type Value } from './model.ts'

export const SITE_REGION = 'us-east-1'

/** Where CloudFront finds the files of a release. */
export const PREFIX = 'releases/'

export function sitesOf(service: Service): readonly Component[] {
  return service.runtime.components.filter(({ kind }) => kind === 'static')
}

/** By this name the distribution is found, whatever tool has made it. */
export function siteName(service: Service, site: Component): string {
  return `${service.service.id}-${site.id}`
}

/** The files of every release: they are never written over, and outlive every change of what serves them. */
export function siteFilesPart(service: Service, site: Component): Part {
  const bucket = `${pascal(site.id)}Files`
  const reader = { Service: 'cloudfront.amazonaws.com' }
  const ours = { ArnLike: { 'AWS:SourceArn': join('arn:aws:cloudfront::', ref('AWS::AccountId'), ':distribution/*') } }
  return {
    parameters: [],
    resources: [
      {
        id: bucket,
        type: 'AWS::S3::Bucket',
        keep: true,
        why: [
          `Each release of ${site.id} is a folder of its own below ${PREFIX}; the ones before are the way back, so nothing is deleted by age.`,
        ],
        props: {
          ...PRIVATE_BUCKET,
          LifecycleConfiguration: {
            Rules: [
              {
                Id: 'written-over',
                Status: 'Enabled',
                NoncurrentVersionExpiration: {
                  NoncurrentDays: noted(
                    Math.max(30, Math.ceil(service.deployment.rollback.drillEveryDays)),
                    `what was deleted or written over by mistake comes back until the next rehearsal of going back: ${Math.ceil(service.deployment.rollback.drillEveryDays)} days, at least 30`,
                  ),
                },
              },
            ],
          },
        },
      },
      {
        id: `${bucket}Policy`,
        type: 'AWS::S3::BucketPolicy',
        props: {
          Bucket: ref(bucket),
          PolicyDocument: raw({
            Version: '2012-10-17',
            Statement: [
              {
                Sid: 'CloudFrontReads',
                Effect: 'Allow',
                Principal: reader,
                Action: 's3:GetObject',
                Resource: join(att(bucket, 'Arn'), `/${PREFIX}*`),
                Condition: ours,
              },
              {
                // Without it a file that is not there is "forbidden", and citizens read the wrong sentence.
                Sid: 'CloudFrontMaySeeThatNothingIsThere',
                Effect: 'Allow',
                Principal: reader,
                Action: 's3:ListBucket',
                Resource: att(bucket, 'Arn'),
                Condition: ours,
              },
            ],
          }),
        },
      },
    ],
  }
}

const PARAMETERS: readonly Parameter[] = [
  { name: 'Domain', type: 'String', says: 'Name that citizens type' },
  { name: 'CertificateArn', type: 'String', says: 'Certificate of that name, in us-east-1' },
  {
    name: 'AssetsPath',
    type: 'String',
    says: 'Files with a digest in their names: scripts, styles, pictures',
    value: 'assets/*',
  },
  { name: 'PageTopic', type: 'String', says: 'ARN of the topic that pages, in us-east-1' },
]

/** What serves the files: the one path that a release moves, caches, logs and alarms. */
export function sitePart(service: Service, site: Component): Part {
  const name = pascal(site.id)
  return {
    parameters: [
      {
        name: `${name}FilesDomain`,
        type: 'String',
        says: `Regional domain name of the bucket of ${site.id}, from ${service.service.id}-lasting`,
      },
      { name: `${name}Release`, type: 'String', says: `The release of ${site.id}: its folder below ${PREFIX}` },
      { name: `${name}Before`, type: 'String', says: 'The release before: pages that are open ask for its files' },
      ...PARAMETERS,
    ],
    resources: [
      {
        id: `${name}Access`,
        type: 'AWS::CloudFront::OriginAccessControl',
        props: {
          OriginAccessControlConfig: {
            Name: siteName(service, site),
            OriginAccessControlOriginType: 's3',
            SigningBehavior: 'always',
            SigningProtocol: 'sigv4',
          },
        },
      },
      {
        id: `${name}Index`,
        type: 'AWS::CloudFront::Function',
        why: ['/figures and /figures/ are the file /figures/index.html.'],
        props: {
          Name: `${siteName(service, site)}-index`,
          AutoPublish: true,
          FunctionConfig: { Comment: 'Folders to their index.html', Runtime: 'cloudfront-js-2.0' },
          FunctionCode:
            "function handler(event) { const request = event.request; if (request.uri.endsWith('/')) request.uri += 'index.html'; else if (!request.uri.split('/').pop().includes('.')) request.uri += '/index.html'; return request }",
        },
      },
      cachePolicy(service, site),
      headersPolicy(service, site),
      distribution(service, site),
      ...logs(service, site),
      ...alarms(service, site),
    ],
  }
}

function cachePolicy(service: Service, site: Component): Resource {
  const seconds = site.cacheSeconds ?? 60
  return {
    id: `${pascal(site.id)}Cache`,
    type: 'AWS::CloudFront::CachePolicy',
    props: {
      CachePolicyConfig: {
        Name: siteName(service, site),
        MinTTL: 0,
        DefaultTTL: seconds,
        MaxTTL: noted(
          seconds,
          `cacheSeconds ${site.cacheSeconds ?? 'is not said, so 60'}: edges are emptied at a switch, browsers of citizens keep a page for ${seconds} s`,
        ),
        ParametersInCacheKeyAndForwardedToOrigin: {
          EnableAcceptEncodingGzip: true,
          EnableAcceptEncodingBrotli: true,
          CookiesConfig: { CookieBehavior: 'none' },
          HeadersConfig: { HeaderBehavior: 'none' },
          QueryStringsConfig: { QueryStringBehavior: 'none' },
        },
      },
    },
  }
}

function headersPolicy(service: Service, site: Component): Resource {
  return {
    id: `${pascal(site.id)}Headers`,
    type: 'AWS::CloudFront::ResponseHeadersPolicy',
    props: {
      ResponseHeadersPolicyConfig: {
        Name: siteName(service, site),
        SecurityHeadersConfig: {
          StrictTransportSecurity: {
            AccessControlMaxAgeSec: noted(31_536_000, 'a year: 365 × 86,400 s'),
            IncludeSubdomains: false,
            Override: true,
          },
          ContentTypeOptions: { Override: true },
          FrameOptions: { FrameOption: 'DENY', Override: true },
          ReferrerPolicy: { ReferrerPolicy: 'strict-origin-when-cross-origin', Override: true },
        },
      },
    },
  }
}

function distribution(service: Service, site: Component): Resource {
  const name = pascal(site.id)
  const origin = (Id: string, release: string) => ({
    Id,
    DomainName: ref(`${name}FilesDomain`),
    OriginPath: join(`/${PREFIX}`, ref(release)),
    OriginAccessControlId: att(`${name}Access`, 'Id'),
    S3OriginConfig: { OriginAccessIdentity: '' },
  })
  const behaviour = {
    ViewerProtocolPolicy: 'redirect-to-https',
    AllowedMethods: ['GET', 'HEAD'],
    CachedMethods: ['GET', 'HEAD'],
    Compress: true,
    CachePolicyId: ref(`${name}Cache`),
    ResponseHeadersPolicyId: ref(`${name}Headers`),
  }
  return {
    id: `${name}Distribution`,
    type: 'AWS::CloudFront::Distribution',
    dependsOn: [`${name}Index`],
    why: [switchWords(service, site)],
    props: {
      DistributionConfig: {
        Enabled: true,
        Comment: siteName(service, site),
        Aliases: [ref('Domain')],
        DefaultRootObject: 'index.html',
        HttpVersion: 'http2and3',
        IPV6Enabled: true,
        PriceClass: 'PriceClass_100',
        Origins: [origin('now', `${name}Release`), origin('before', `${name}Before`)],
        OriginGroups: {
          Quantity: 1,
          Items: [
            {
              Id: 'now-then-before',
              FailoverCriteria: { StatusCodes: { Quantity: 2, Items: [403, 404] } },
              Members: { Quantity: 2, Items: [{ OriginId: 'now' }, { OriginId: 'before' }] },
            },
          ],
        },
        DefaultCacheBehavior: {
          TargetOriginId: noted(
            'now',
            'a page that this release has withdrawn is gone, whatever the release before had',
          ),
          ...behaviour,
          FunctionAssociations: [
            {
              EventType: 'viewer-request',
              FunctionARN: join(
                'arn:aws:cloudfront::',
                ref('AWS::AccountId'),
                `:function/${siteName(service, site)}-index`,
              ),
            },
          ],
        },
        CacheBehaviors: [
          {
            PathPattern: ref('AssetsPath'),
            TargetOriginId: noted(
              'now-then-before',
              'a page that was open at the switch still gets its own scripts and pictures',
            ),
            ...behaviour,
          },
        ],
        CustomErrorResponses: [
          { ErrorCode: 404, ResponseCode: 404, ResponsePagePath: '/404.html', ErrorCachingMinTTL: 10 },
        ],
        Restrictions: { GeoRestriction: { RestrictionType: 'none' } },
        ViewerCertificate: {
          AcmCertificateArn: ref('CertificateArn'),
          MinimumProtocolVersion: 'TLSv1.2_2021',
          SslSupportMethod: 'sni-only',
        },
      },
    },
  }
}

/** Until a change of the path is at every edge, and until the caches there are empty; assumed, AWS promises neither. */
const EDGE_MINUTES = 5

/** The way back as a sum, beside the promise. */
function switchWords({ deployment }: Service, site: Component): string {
  const browser = Math.ceil((site.cacheSeconds ?? 60) / 60)
  const sum = EDGE_MINUTES + EDGE_MINUTES + browser
  const { maxMinutes } = deployment.rollback
  return `The way back: path at every edge ${EDGE_MINUTES} + edges emptied ${EDGE_MINUTES} + browsers ${browser} = ${sum} min${sum > maxMinutes ? `, more than` : ';'} ${maxMinutes} min are promised.`
}

/** Which edge answered what, for as long as the other logs. */
function logs(service: Service, site: Component): Resource[] {
  const name = pascal(site.id)
  const group = `/aws/vendedlogs/cloudfront/${siteName(service, site)}`
  return [
    {
      id: `${name}Logs`,
      type: 'AWS::Logs::LogGroup',
      keep: true,
      props: { LogGroupName: group, RetentionInDays: logDays(service) },
    },
    {
      id: `${name}LogSource`,
      type: 'AWS::Logs::DeliverySource',
      props: {
        Name: siteName(service, site),
        LogType: 'ACCESS_LOGS',
        ResourceArn: join('arn:aws:cloudfront::', ref('AWS::AccountId'), ':distribution/', ref(`${name}Distribution`)),
      },
    },
    {
      id: `${name}LogTarget`,
      type: 'AWS::Logs::DeliveryDestination',
      dependsOn: [`${name}Logs`],
      props: {
        Name: siteName(service, site),
        DestinationResourceArn: join(
          'arn:aws:logs:',
          ref('AWS::Region'),
          ':',
          ref('AWS::AccountId'),
          `:log-group:${group}`,
        ),
      },
    },
    {
      id: `${name}LogDelivery`,
      type: 'AWS::Logs::Delivery',
      dependsOn: [`${name}LogSource`],
      props: {
        DeliverySourceName: siteName(service, site),
        DeliveryDestinationArn: att(`${name}LogTarget`, 'Arn'),
      },
    },
  ]
}

/** Names of the alarms that take a site back. */
export function siteAlarms(service: Service, site: Component): readonly string[] {
  return ['Fail', 'Missing'].map((what) => `${service.service.id}-${pascal(site.id)}${what}`)
}

/** CloudFront counts shares, and a share of three requests at night says nothing: shares are turned into requests again. */
function alarms(service: Service, site: Component): Resource[] {
  const name = pascal(site.id)
  const { periodSeconds, threshold } = errorFigures(service)
  const dimensions = [
    { Name: 'DistributionId', Value: ref(`${name}Distribution`) },
    { Name: 'Region', Value: 'Global' },
  ]
  const metric = (Id: string, MetricName: string, Stat: string) => ({
    Id,
    ReturnData: false,
    MetricStat: {
      Metric: { Namespace: 'AWS/CloudFront', MetricName, Dimensions: dimensions },
      Period: periodSeconds,
      Stat,
    },
  })
  const alarm = (what: string, rate: string, says: string, expression: Value): Resource => ({
    id: `${name}${what}`,
    type: 'AWS::CloudWatch::Alarm',
    props: {
      AlarmName: `${service.service.id}-${name}${what}`,
      AlarmDescription: says,
      Metrics: [
        { Id: 'failed', Expression: expression, Label: 'requests', ReturnData: true },
        metric('share', rate, 'Average'),
        metric('requests', 'Requests', 'Sum'),
      ],
      EvaluationPeriods: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      Threshold: threshold,
      TreatMissingData: noted('notBreaching', 'nobody asked, nobody was failed'),
      AlarmActions: [ref('PageTopic')],
      OKActions: [ref('PageTopic')],
    },
  })
  return [
    alarm(
      'Fail',
      '5xxErrorRate',
      `Citizens get errors from ${site.id}; a release that is watched is taken back`,
      'share * requests / 100',
    ),
    alarm(
      'Missing',
      '4xxErrorRate',
      `Files of ${site.id} are missing; a release that is watched is taken back`,
      noted(
        `IF(share >= ${ELSEWHERE_PERCENT}, share * requests / 100, 0)`,
        `wrong addresses that others link to are missing too: below ${ELSEWHERE_PERCENT} % (assumed) that is all it is`,
      ),
    ),
  ]
}

/** Share of requests for addresses that never were right, on a site that is well: assumed. */
const ELSEWHERE_PERCENT = 5
