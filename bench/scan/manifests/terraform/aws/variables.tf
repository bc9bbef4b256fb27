variable "admin_cidr" {
  default = "0.0.0.0/0"
}
variable "encrypted" {
  default = false
}
locals {
  ports = [22]
}
