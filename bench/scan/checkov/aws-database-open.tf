resource "aws_db_instance" "orders" {
  engine              = "postgres"
  instance_class      = "db.t4g.small"
  username            = "orders"
  password            = var.password
  publicly_accessible = true
  storage_encrypted   = false
}
