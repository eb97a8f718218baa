# holdfast:begin performance-dashboard-lasting
terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 6.20, < 7" }
  }
}

provider "aws" {
  region = "eu-west-2"
}

data "aws_caller_identity" "current" {}

# Each release of site is a folder of its own below releases/; the ones before are the way back, so nothing is deleted by age.
resource "aws_s3_bucket" "site_files" {
  lifecycle {
    prevent_destroy = true
  }
}

# Each release of site is a folder of its own below releases/; the ones before are the way back, so nothing is deleted by age.
resource "aws_s3_bucket_versioning" "site_files" {
  bucket = aws_s3_bucket.site_files.id
  versioning_configuration {
    status = "Enabled"
  }
}

# Each release of site is a folder of its own below releases/; the ones before are the way back, so nothing is deleted by age.
resource "aws_s3_bucket_public_access_block" "site_files" {
  bucket                  = aws_s3_bucket.site_files.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Each release of site is a folder of its own below releases/; the ones before are the way back, so nothing is deleted by age.
resource "aws_s3_bucket_lifecycle_configuration" "site_files" {
  bucket = aws_s3_bucket.site_files.id
  rule {
    id     = "written-over"
    status = "Enabled"
    filter {
    }
    noncurrent_version_expiration {
      # what was deleted or written over by mistake comes back until the next rehearsal of going back: 30 days, at least 30
      noncurrent_days = 30
    }
  }
}

resource "aws_s3_bucket_policy" "site_files_policy" {
  bucket = aws_s3_bucket.site_files.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "CloudFrontReads"
        Effect = "Allow"
        Principal = {
          Service = "cloudfront.amazonaws.com"
        }
        Action   = "s3:GetObject"
        Resource = "${aws_s3_bucket.site_files.arn}/releases/*"
        Condition = {
          ArnLike = {
            "AWS:SourceArn" = "arn:aws:cloudfront::${data.aws_caller_identity.current.account_id}:distribution/*"
          }
        }
      },
      {
        Sid    = "CloudFrontMaySeeThatNothingIsThere"
        Effect = "Allow"
        Principal = {
          Service = "cloudfront.amazonaws.com"
        }
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.site_files.arn
        Condition = {
          ArnLike = {
            "AWS:SourceArn" = "arn:aws:cloudfront::${data.aws_caller_identity.current.account_id}:distribution/*"
          }
        }
      },
    ]
  })
}

resource "aws_s3_bucket" "trail_files" {
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "trail_files" {
  bucket = aws_s3_bucket.trail_files.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "trail_files" {
  bucket                  = aws_s3_bucket.trail_files.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "trail_files" {
  bucket = aws_s3_bucket.trail_files.id
  rule {
    id     = "old-files"
    status = "Enabled"
    filter {
    }
    expiration {
      # a year for the yearly audit and a month to hold it: 365 + 31 = 396 days, rounded up
      days = 400
    }
  }
}

resource "aws_s3_bucket_policy" "trail_files_policy" {
  bucket = aws_s3_bucket.trail_files.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "TrailAsks"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action   = "s3:GetBucketAcl"
        Resource = aws_s3_bucket.trail_files.arn
      },
      {
        Sid    = "TrailWrites"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Action   = "s3:PutObject"
        Resource = "${aws_s3_bucket.trail_files.arn}/AWSLogs/${data.aws_caller_identity.current.account_id}/*"
        Condition = {
          StringEquals = {
            "s3:x-amz-acl" = "bucket-owner-full-control"
          }
        }
      },
    ]
  })
}

# Leave this out where your landing zone keeps a trail of the whole organisation.
resource "aws_cloudtrail" "trail" {
  name                          = "performance-dashboard-audit"
  s3_bucket_name                = aws_s3_bucket.trail_files.id
  enable_logging                = true
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true
  depends_on                    = [aws_s3_bucket_policy.trail_files_policy]
}
# holdfast:end performance-dashboard-lasting
