resource "aws_s3_bucket" "data" {
  bucket = "shop-data"
  acl    = "public-read"
}
resource "aws_security_group" "admin" {
  name = "admin"
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = [var.admin_cidr]
  }
}
resource "aws_db_instance" "main" {
  engine                  = "postgres"
  username                = "app"
  password                = "tr0ub4dor-3"
  publicly_accessible     = true
  storage_encrypted       = var.encrypted
  backup_retention_period = 0
}
resource "aws_instance" "web" {
  ami = "ami-1"
  root_block_device {
    encrypted = false
  }
}
resource "aws_iam_policy" "all" {
  policy = jsonencode({
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}
resource "aws_kms_key" "main" {
  description = "main"
}
resource "aws_lb_listener" "plain" {
  port     = 80
  protocol = "HTTP"
  default_action {
    type = "forward"
  }
}
resource "aws_ebs_volume" "disk" {
  size = 10
}
resource "aws_ecr_repository" "images" {
  name = "shop"
}
resource "aws_eks_cluster" "main" {
  name = "main"
  vpc_config {
    subnet_ids = ["a"]
  }
}
resource "aws_cloudtrail" "main" {
  name = "main"
}
