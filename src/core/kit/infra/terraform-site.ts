/** What serves a site of files, in Terraform (AWS provider 6). */
import type { Props } from './model.ts'
import { at, block, dependencies, listed, type Makers, must, rename } from './terraform-blocks.ts'

const BEHAVIOUR = {
  PathPattern: 'path_pattern',
  TargetOriginId: 'target_origin_id',
  ViewerProtocolPolicy: 'viewer_protocol_policy',
  AllowedMethods: 'allowed_methods',
  CachedMethods: 'cached_methods',
  Compress: 'compress',
  CachePolicyId: 'cache_policy_id',
  ResponseHeadersPolicyId: 'response_headers_policy_id',
} as const

const props = (value: unknown) => value as Props
const list = (from: Props, path: string) => listed(at(from, path)) as readonly Props[]

export const SITE: Makers = {
  'AWS::CloudFront::OriginAccessControl': ({ props: all }) => [
    {
      body: rename(props(must(all, 'OriginAccessControlConfig')), {
        Name: 'name',
        OriginAccessControlOriginType: 'origin_access_control_origin_type',
        SigningBehavior: 'signing_behavior',
        SigningProtocol: 'signing_protocol',
      }),
    },
  ],
  'AWS::CloudFront::Function': ({ props: all }) => [
    {
      body: rename(all, {
        Name: 'name',
        'FunctionConfig.Comment': 'comment',
        'FunctionConfig.Runtime': 'runtime',
        AutoPublish: 'publish',
        FunctionCode: 'code',
      }),
    },
  ],
  'AWS::CloudFront::CachePolicy': ({ props: all }) => {
    const config = props(must(all, 'CachePolicyConfig'))
    const keys = props(must(config, 'ParametersInCacheKeyAndForwardedToOrigin'))
    return [
      {
        body: [
          ...rename(config, { Name: 'name', MinTTL: 'min_ttl', DefaultTTL: 'default_ttl', MaxTTL: 'max_ttl' }),
          block('parameters_in_cache_key_and_forwarded_to_origin', [
            ...rename(keys, {
              EnableAcceptEncodingGzip: 'enable_accept_encoding_gzip',
              EnableAcceptEncodingBrotli: 'enable_accept_encoding_brotli',
            }),
            block('cookies_config', rename(keys, { 'CookiesConfig.CookieBehavior': 'cookie_behavior' })),
            block('headers_config', rename(keys, { 'HeadersConfig.HeaderBehavior': 'header_behavior' })),
            block(
              'query_strings_config',
              rename(keys, { 'QueryStringsConfig.QueryStringBehavior': 'query_string_behavior' }),
            ),
          ]),
        ],
      },
    ]
  },
  'AWS::CloudFront::ResponseHeadersPolicy': ({ props: all }) => {
    const config = props(must(all, 'ResponseHeadersPolicyConfig'))
    const s = 'SecurityHeadersConfig'
    return [
      {
        body: [
          ...rename(config, { Name: 'name' }),
          block('security_headers_config', [
            block(
              'strict_transport_security',
              rename(config, {
                [`${s}.StrictTransportSecurity.AccessControlMaxAgeSec`]: 'access_control_max_age_sec',
                [`${s}.StrictTransportSecurity.IncludeSubdomains`]: 'include_subdomains',
                [`${s}.StrictTransportSecurity.Override`]: 'override',
              }),
            ),
            block('content_type_options', rename(config, { [`${s}.ContentTypeOptions.Override`]: 'override' })),
            block(
              'frame_options',
              rename(config, {
                [`${s}.FrameOptions.FrameOption`]: 'frame_option',
                [`${s}.FrameOptions.Override`]: 'override',
              }),
            ),
            block(
              'referrer_policy',
              rename(config, {
                [`${s}.ReferrerPolicy.ReferrerPolicy`]: 'referrer_policy',
                [`${s}.ReferrerPolicy.Override`]: 'override',
              }),
            ),
          ]),
        ],
      },
    ]
  },
  'AWS::CloudFront::Distribution': ({ props: all, dependsOn }) => {
    const config = props(must(all, 'DistributionConfig'))
    const standard = props(must(config, 'DefaultCacheBehavior'))
    return [
      {
        body: [
          ...rename(config, {
            Enabled: 'enabled',
            Comment: 'comment',
            Aliases: 'aliases',
            DefaultRootObject: 'default_root_object',
            HttpVersion: 'http_version',
            IPV6Enabled: 'is_ipv6_enabled',
            PriceClass: 'price_class',
          }),
          ...list(config, 'Origins').map((origin) =>
            block(
              'origin',
              rename(origin, {
                Id: 'origin_id',
                DomainName: 'domain_name',
                OriginPath: 'origin_path',
                OriginAccessControlId: 'origin_access_control_id',
              }),
            ),
          ),
          ...list(config, 'OriginGroups.Items').map((group) =>
            block('origin_group', [
              ...rename(group, { Id: 'origin_id' }),
              block('failover_criteria', rename(group, { 'FailoverCriteria.StatusCodes.Items': 'status_codes' })),
              ...list(group, 'Members.Items').map((one) => block('member', rename(one, { OriginId: 'origin_id' }))),
            ]),
          ),
          block('default_cache_behavior', [
            ...rename(standard, BEHAVIOUR),
            ...list(standard, 'FunctionAssociations').map((one) =>
              block('function_association', rename(one, { EventType: 'event_type', FunctionARN: 'function_arn' })),
            ),
          ]),
          ...list(config, 'CacheBehaviors').map((one) => block('ordered_cache_behavior', rename(one, BEHAVIOUR))),
          ...list(config, 'CustomErrorResponses').map((one) =>
            block(
              'custom_error_response',
              rename(one, {
                ErrorCode: 'error_code',
                ResponseCode: 'response_code',
                ResponsePagePath: 'response_page_path',
                ErrorCachingMinTTL: 'error_caching_min_ttl',
              }),
            ),
          ),
          block('restrictions', [
            block(
              'geo_restriction',
              rename(config, { 'Restrictions.GeoRestriction.RestrictionType': 'restriction_type' }),
            ),
          ]),
          block(
            'viewer_certificate',
            rename(config, {
              'ViewerCertificate.AcmCertificateArn': 'acm_certificate_arn',
              'ViewerCertificate.MinimumProtocolVersion': 'minimum_protocol_version',
              'ViewerCertificate.SslSupportMethod': 'ssl_support_method',
            }),
          ),
          ...dependencies(dependsOn, 'aws_cloudfront_function'),
        ],
      },
    ]
  },
  'AWS::Logs::DeliverySource': ({ props: all }) => [
    { body: rename(all, { Name: 'name', LogType: 'log_type', ResourceArn: 'resource_arn' }) },
  ],
  'AWS::Logs::DeliveryDestination': ({ props: all, dependsOn }) => [
    {
      body: [
        ...rename(all, { Name: 'name' }),
        block(
          'delivery_destination_configuration',
          rename(all, { DestinationResourceArn: 'destination_resource_arn' }),
        ),
        ...dependencies(dependsOn, 'aws_cloudwatch_log_group'),
      ],
    },
  ],
  'AWS::Logs::Delivery': ({ props: all, dependsOn }) => [
    {
      body: [
        ...rename(all, {
          DeliverySourceName: 'delivery_source_name',
          DeliveryDestinationArn: 'delivery_destination_arn',
        }),
        ...dependencies(dependsOn, 'aws_cloudwatch_log_delivery_source'),
      ],
    },
  ],
}
