resource "azurerm_storage_account" "data" {
  name                            = "data"
  https_traffic_only_enabled      = false
  min_tls_version                 = "TLS1_0"
  allow_nested_items_to_be_public = true
}
resource "azurerm_storage_container" "public" {
  name                  = "public"
  container_access_type = "blob"
}
resource "azurerm_network_security_rule" "ssh" {
  access                 = "Allow"
  direction              = "Inbound"
  protocol               = "Tcp"
  source_address_prefix  = "*"
  destination_port_range = "22"
}
resource "azurerm_mssql_firewall_rule" "all" {
  start_ip_address = "0.0.0.0"
  end_ip_address   = "255.255.255.255"
}
resource "azurerm_key_vault" "main" {
  name = "main"
}
