resource "aws_security_group" "bastion" {
  name        = "bastion"
  description = "the way in for administrators"
  ingress {
    description = "shell from the office"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["10.20.0.0/16"]
  }
}
