resource "aws_elasticache_replication_group" "sessions" {
  replication_group_id = "sessions"
  description          = "sessions"
}
resource "aws_efs_file_system" "shared" {
  creation_token = "shared"
}
resource "aws_cloudwatch_log_group" "app" {
  name = "app"
}
