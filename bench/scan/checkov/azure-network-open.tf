resource "azurerm_network_security_rule" "shell" {
  name                        = "shell"
  priority                    = 100
  access                      = "Allow"
  direction                   = "Inbound"
  protocol                    = "Tcp"
  source_port_range           = "*"
  source_address_prefix       = "*"
  destination_port_range      = "22"
  destination_address_prefix  = "*"
  resource_group_name         = "shop"
  network_security_group_name = "shop"
}
