# holdfast:begin performance-dashboard
# In this order: performance-dashboard-lasting, once; then this.
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.20, < 7" }
  }
}

provider "aws" {
  region = "eu-west-2"
}

variable "loader_code_bucket" {
  type        = string
  description = "Bucket that holds the packages of loader"
}

variable "loader_code_key" {
  type        = string
  description = "Key of the package"
}

variable "loader_code_version" {
  type        = string
  description = "The release: version of that object, which can never mean another package"
}

variable "loader_runtime" {
  type        = string
  description = "Lambda runtime, e.g. that of the last release"
}

variable "loader_handler" {
  type        = string
  description = "Function that is called"
}

variable "function_role_arn" {
  type        = string
  description = "Role of the functions"
}

variable "page_topic" {
  type        = string
  description = "ARN of the topic that pages"
}

variable "scheduler_role_arn" {
  type        = string
  description = "Role with which the scheduler starts runs"
}

variable "recount_code_bucket" {
  type        = string
  description = "Bucket that holds the packages of recount"
}

variable "recount_code_key" {
  type        = string
  description = "Key of the package"
}

variable "recount_code_version" {
  type        = string
  description = "The release: version of that object, which can never mean another package"
}

variable "recount_runtime" {
  type        = string
  description = "Lambda runtime, e.g. that of the last release"
}

variable "recount_handler" {
  type        = string
  description = "Function that is called"
}

resource "aws_cloudwatch_log_group" "loader_logs" {
  name = "/aws/lambda/performance-dashboard-loader"
  # three windows of the longest objective: 3 × 28 = 84 days, rounded up to 90
  retention_in_days = 90
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_lambda_function" "loader_function" {
  function_name     = "performance-dashboard-loader"
  role              = var.function_role_arn
  runtime           = var.loader_runtime
  handler           = var.loader_handler
  s3_bucket         = var.loader_code_bucket
  s3_key            = var.loader_code_key
  s3_object_version = var.loader_code_version
  memory_size       = 3008
  # a run may take 45 min = 2700 s, and Lambda ends a call after 900 s: each call must do a part of the work
  timeout = 900
  # versions stay: the one before is the way back
  publish      = true
  skip_destroy = true
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.loader_logs.name
  }
}

resource "aws_cloudwatch_metric_alarm" "loader_fail" {
  alarm_name        = "performance-dashboard-LoaderFail"
  alarm_description = "loader fails; a release that is on its way is taken back"
  namespace         = "AWS/Lambda"
  metric_name       = "Errors"
  statistic         = "Sum"
  # one run is one count: the first failure is the whole of it
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  # a run that fails is a run that did not happen
  threshold = 1
  # no run, no error; a run that did not start has an alarm of its own
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.page_topic]
  ok_actions         = [var.page_topic]
  dimensions = {
    FunctionName = aws_lambda_function.loader_function.function_name
    Resource     = "${aws_lambda_function.loader_function.function_name}:live"
  }
}

# A run cannot be split into shares: the release is proven in shadow, and the alias goes back as a whole.
resource "aws_lambda_alias" "loader_alias" {
  name             = "live"
  function_name    = aws_lambda_function.loader_function.function_name
  function_version = aws_lambda_function.loader_function.version
}

# Must be done by 07:00; takes 30 min.
# Two runs may not overlap: the run takes a lock, and the second one ends.
resource "aws_scheduler_schedule" "loader_at0545" {
  name = "performance-dashboard-loader-0545"
  # 05:45, every day
  schedule_expression          = "cron(45 5 ? * * *)"
  schedule_expression_timezone = "Europe/London"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_alias.loader_alias.arn
    role_arn = var.scheduler_role_arn
    retry_policy {
      maximum_retry_attempts = 2
      # a start that comes later than a usual run takes (30 min) comes too late
      maximum_event_age_in_seconds = 1800
    }
  }
}

resource "aws_cloudwatch_log_group" "recount_logs" {
  name = "/aws/lambda/performance-dashboard-recount"
  # three windows of the longest objective: 3 × 28 = 84 days, rounded up to 90
  retention_in_days = 90
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_lambda_function" "recount_function" {
  function_name     = "performance-dashboard-recount"
  role              = var.function_role_arn
  runtime           = var.recount_runtime
  handler           = var.recount_handler
  s3_bucket         = var.recount_code_bucket
  s3_key            = var.recount_code_key
  s3_object_version = var.recount_code_version
  memory_size       = 1024
  # twice a usual run of 15 min = 1800 s, and Lambda ends a call after 900 s: each call must do a part of the work
  timeout = 900
  # versions stay: the one before is the way back
  publish      = true
  skip_destroy = true
  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.recount_logs.name
  }
}

resource "aws_cloudwatch_metric_alarm" "recount_fail" {
  alarm_name        = "performance-dashboard-RecountFail"
  alarm_description = "recount fails; a release that is on its way is taken back"
  namespace         = "AWS/Lambda"
  metric_name       = "Errors"
  statistic         = "Sum"
  # one run is one count: the first failure is the whole of it
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  # a run that fails is a run that did not happen
  threshold = 1
  # no run, no error; a run that did not start has an alarm of its own
  treat_missing_data = "notBreaching"
  alarm_actions      = [var.page_topic]
  ok_actions         = [var.page_topic]
  dimensions = {
    FunctionName = aws_lambda_function.recount_function.function_name
    Resource     = "${aws_lambda_function.recount_function.function_name}:live"
  }
}

# A run cannot be split into shares: the release is proven in shadow, and the alias goes back as a whole.
resource "aws_lambda_alias" "recount_alias" {
  name             = "live"
  function_name    = aws_lambda_function.recount_function.function_name
  function_version = aws_lambda_function.recount_function.version
}

# Two runs may not overlap: the run takes a lock, and the second one ends.
resource "aws_scheduler_schedule" "recount_at0620" {
  name = "performance-dashboard-recount-0620"
  # 06:20, every day
  schedule_expression          = "cron(20 6 ? * * *)"
  schedule_expression_timezone = "Europe/London"
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = aws_lambda_alias.recount_alias.arn
    role_arn = var.scheduler_role_arn
    retry_policy {
      maximum_retry_attempts = 2
      # a start that comes later than a usual run takes (15 min) comes too late
      maximum_event_age_in_seconds = 900
    }
  }
}
# holdfast:end performance-dashboard
