resource "aws_instance" "web" {
  ami                         = "ami-0123456789abcdef0"
  instance_type               = "t4g.small"
  associate_public_ip_address = true
  root_block_device {
    encrypted = false
  }
}
resource "aws_ebs_volume" "data" {
  availability_zone = "eu-central-1a"
  size              = 20
}
