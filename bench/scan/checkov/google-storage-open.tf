resource "google_storage_bucket" "files" {
  name     = "shop-files"
  location = "EU"
}
resource "google_storage_bucket_iam_member" "files" {
  bucket = google_storage_bucket.files.name
  role   = "roles/storage.objectViewer"
  member = "allUsers"
}
