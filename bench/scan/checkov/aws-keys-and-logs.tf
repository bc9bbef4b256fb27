resource "aws_kms_key" "main" {
  description = "main"
}
resource "aws_cloudtrail" "main" {
  name           = "main"
  s3_bucket_name = "shop-trail"
}
