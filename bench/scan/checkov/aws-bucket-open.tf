resource "aws_s3_bucket" "reports" {
  bucket = "shop-reports"
}
resource "aws_s3_bucket_acl" "reports" {
  bucket = aws_s3_bucket.reports.id
  acl    = "public-read-write"
}
