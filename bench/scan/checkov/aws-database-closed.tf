resource "aws_db_instance" "orders" {
  engine                              = "postgres"
  instance_class                      = "db.t4g.small"
  username                            = "orders"
  manage_master_user_password         = true
  publicly_accessible                 = false
  storage_encrypted                   = true
  deletion_protection                 = true
  backup_retention_period             = 14
  iam_database_authentication_enabled = true
  skip_final_snapshot                 = false
}
