resource "azurerm_kubernetes_cluster" "main" {
  name                              = "main"
  location                          = "westeurope"
  resource_group_name               = "shop"
  dns_prefix                        = "shop"
  role_based_access_control_enabled = false
}
resource "azurerm_key_vault" "main" {
  name                = "shop"
  location            = "westeurope"
  resource_group_name = "shop"
  tenant_id           = "00000000-0000-0000-0000-000000000000"
  sku_name            = "standard"
}
