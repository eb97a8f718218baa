# holdfast:begin performance-dashboard-site
# In this order: performance-dashboard-lasting, once; then the files of the first release below releases/ in its bucket; then this, in us-east-1: there CloudFront keeps its figures and looks for certificates.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.20, < 7" }
  }
}

provider "aws" {
  region = "us-east-1"
}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

variable "site_files_domain" {
  type        = string
  description = "Regional domain name of the bucket of site, from performance-dashboard-lasting"
}

variable "site_release" {
  type        = string
  description = "The release of site: its folder below releases/"
}

variable "site_before" {
  type        = string
  description = "The release before: pages that are open ask for its files"
}

variable "domain" {
  type        = string
  description = "Name that citizens type"
}

variable "certificate_arn" {
  type        = string
  description = "Certificate of that name, in us-east-1"
}

variable "assets_path" {
  type        = string
  description = "Files with a digest in their names: scripts, styles, pictures"
  default     = "assets/*"
}

variable "page_topic" {
  type        = string
  description = "ARN of the topic that pages, in us-east-1"
}

resource "aws_cloudfront_origin_access_control" "site_access" {
  name                              = "performance-dashboard-site"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# /figures and /figures/ are the file /figures/index.html.
resource "aws_cloudfront_function" "site_index" {
  name    = "performance-dashboard-site-index"
  comment = "Folders to their index.html"
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = "function handler(event) { const request = event.request; if (request.uri.endsWith('/')) request.uri += 'index.html'; else if (!request.uri.split('/').pop().includes('.')) request.uri += '/index.html'; return request }"
}

resource "aws_cloudfront_cache_policy" "site_cache" {
  name        = "performance-dashboard-site"
  min_ttl     = 0
  default_ttl = 300
  # cacheSeconds 300: edges are emptied at a switch, browsers of citizens keep a page for 300 s
  max_ttl = 300
  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip   = true
    enable_accept_encoding_brotli = true
    cookies_config {
      cookie_behavior = "none"
    }
    headers_config {
      header_behavior = "none"
    }
    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "site_headers" {
  name = "performance-dashboard-site"
  security_headers_config {
    strict_transport_security {
      # a year: 365 × 86,400 s
      access_control_max_age_sec = 31536000
      include_subdomains         = false
      override                   = true
    }
    content_type_options {
      override = true
    }
    frame_options {
      frame_option = "DENY"
      override     = true
    }
    referrer_policy {
      referrer_policy = "strict-origin-when-cross-origin"
      override        = true
    }
  }
}

# The way back: path at every edge 5 + edges emptied 5 + browsers 5 = 15 min; 15 min are promised.
resource "aws_cloudfront_distribution" "site_distribution" {
  enabled             = true
  comment             = "performance-dashboard-site"
  aliases             = [var.domain]
  default_root_object = "index.html"
  http_version        = "http2and3"
  is_ipv6_enabled     = true
  price_class         = "PriceClass_100"
  origin {
    origin_id                = "now"
    domain_name              = var.site_files_domain
    origin_path              = "/releases/${var.site_release}"
    origin_access_control_id = aws_cloudfront_origin_access_control.site_access.id
  }
  origin {
    origin_id                = "before"
    domain_name              = var.site_files_domain
    origin_path              = "/releases/${var.site_before}"
    origin_access_control_id = aws_cloudfront_origin_access_control.site_access.id
  }
  origin_group {
    origin_id = "now-then-before"
    failover_criteria {
      status_codes = [403, 404]
    }
    member {
      origin_id = "now"
    }
    member {
      origin_id = "before"
    }
  }
  default_cache_behavior {
    # a page that this release has withdrawn is gone, whatever the release before had
    target_origin_id           = "now"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.site_cache.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site_headers.id
    function_association {
      event_type   = "viewer-request"
      function_arn = "arn:aws:cloudfront::${data.aws_caller_identity.current.account_id}:function/performance-dashboard-site-index"
    }
  }
  ordered_cache_behavior {
    path_pattern = var.assets_path
    # a page that was open at the switch still gets its own scripts and pictures
    target_origin_id           = "now-then-before"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = aws_cloudfront_cache_policy.site_cache.id
    response_headers_policy_id = aws_cloudfront_response_headers_policy.site_headers.id
  }
  custom_error_response {
    error_code            = 404
    response_code         = 404
    response_page_path    = "/404.html"
    error_caching_min_ttl = 10
  }
  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }
  viewer_certificate {
    acm_certificate_arn      = var.certificate_arn
    minimum_protocol_version = "TLSv1.2_2021"
    ssl_support_method       = "sni-only"
  }
  depends_on = [aws_cloudfront_function.site_index]
}

resource "aws_cloudwatch_log_group" "site_logs" {
  name = "/aws/vendedlogs/cloudfront/performance-dashboard-site"
  # three windows of the longest objective: 3 × 28 = 84 days, rounded up to 90
  retention_in_days = 90
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudwatch_log_delivery_source" "site_log_source" {
  name         = "performance-dashboard-site"
  log_type     = "ACCESS_LOGS"
  resource_arn = "arn:aws:cloudfront::${data.aws_caller_identity.current.account_id}:distribution/${aws_cloudfront_distribution.site_distribution.id}"
}

resource "aws_cloudwatch_log_delivery_destination" "site_log_target" {
  name = "performance-dashboard-site"
  delivery_destination_configuration {
    destination_resource_arn = "arn:aws:logs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:log-group:/aws/vendedlogs/cloudfront/performance-dashboard-site"
  }
  depends_on = [aws_cloudwatch_log_group.site_logs]
}

resource "aws_cloudwatch_log_delivery" "site_log_delivery" {
  delivery_source_name     = "performance-dashboard-site"
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.site_log_target.arn
  depends_on               = [aws_cloudwatch_log_delivery_source.site_log_source]
}

resource "aws_cloudwatch_metric_alarm" "site_fail" {
  alarm_name          = "performance-dashboard-SiteFail"
  alarm_description   = "Citizens get errors from site; a release that is watched is taken back"
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  # 20 failures wake somebody (thresholds.md); windows stand still, so half of them in one
  threshold = 10
  # nobody asked, nobody was failed
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.page_topic]
  ok_actions         = [var.page_topic]
  metric_query {
    id          = "failed"
    expression  = "share * requests / 100"
    label       = "requests"
    return_data = true
  }
  metric_query {
    id          = "share"
    return_data = false
    metric {
      namespace   = "AWS/CloudFront"
      metric_name = "5xxErrorRate"
      # detect within 2 min: a window of 1 min, up to one more until it is full
      period = 60
      stat   = "Average"
      dimensions = {
        DistributionId = aws_cloudfront_distribution.site_distribution.id
        Region         = "Global"
      }
    }
  }
  metric_query {
    id          = "requests"
    return_data = false
    metric {
      namespace   = "AWS/CloudFront"
      metric_name = "Requests"
      # detect within 2 min: a window of 1 min, up to one more until it is full
      period = 60
      stat   = "Sum"
      dimensions = {
        DistributionId = aws_cloudfront_distribution.site_distribution.id
        Region         = "Global"
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "site_missing" {
  alarm_name          = "performance-dashboard-SiteMissing"
  alarm_description   = "Files of site are missing; a release that is watched is taken back"
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  # 20 failures wake somebody (thresholds.md); windows stand still, so half of them in one
  threshold = 10
  # nobody asked, nobody was failed
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.page_topic]
  ok_actions         = [var.page_topic]
  metric_query {
    id = "failed"
    # wrong addresses that others link to are missing too: below 5 % (assumed) that is all it is
    expression  = "IF(share >= 5, share * requests / 100, 0)"
    label       = "requests"
    return_data = true
  }
  metric_query {
    id          = "share"
    return_data = false
    metric {
      namespace   = "AWS/CloudFront"
      metric_name = "4xxErrorRate"
      # detect within 2 min: a window of 1 min, up to one more until it is full
      period = 60
      stat   = "Average"
      dimensions = {
        DistributionId = aws_cloudfront_distribution.site_distribution.id
        Region         = "Global"
      }
    }
  }
  metric_query {
    id          = "requests"
    return_data = false
    metric {
      namespace   = "AWS/CloudFront"
      metric_name = "Requests"
      # detect within 2 min: a window of 1 min, up to one more until it is full
      period = 60
      stat   = "Sum"
      dimensions = {
        DistributionId = aws_cloudfront_distribution.site_distribution.id
        Region         = "Global"
      }
    }
  }
}
# holdfast:end performance-dashboard-site
