resource "azurerm_storage_account" "files" {
  name                            = "shopfiles"
  resource_group_name             = "shop"
  location                        = "westeurope"
  account_tier                    = "Standard"
  account_replication_type        = "LRS"
  min_tls_version                 = "TLS1_0"
  https_traffic_only_enabled      = false
  allow_nested_items_to_be_public = true
}
resource "azurerm_storage_container" "files" {
  name                  = "files"
  storage_account_name  = "shopfiles"
  container_access_type = "container"
}
