//! The rules that come with the program.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The files of `rules/manifests`, as JSON that the build made of them.
        pub(crate) const FILES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!(env!("OUT_DIR"), "/rules/manifests/", $name, ".json")))),*];
    };
}

files![
    "aws-policies.toml",
    "caddy.toml",
    "cloudformation-rights.toml",
    "cloudformation-services.toml",
    "cloudformation.toml",
    "compose.toml",
    "docker-build.toml",
    "docker.toml",
    "edge-and-data.toml",
    "github-actions.toml",
    "github-workflows.toml",
    "gitlab-jobs.toml",
    "gitlab.toml",
    "kubernetes-access.toml",
    "kubernetes-container.toml",
    "kubernetes-image.toml",
    "kubernetes-more.toml",
    "kubernetes-network.toml",
    "kubernetes-pod.toml",
    "nginx-headers.toml",
    "nginx-protection.toml",
    "nginx.toml",
    "openapi.toml",
    "project.toml",
    "sql-roles.toml",
    "sql.toml",
    "terraform-aws-access.toml",
    "terraform-aws-data.toml",
    "terraform-aws-more.toml",
    "terraform-aws-network.toml",
    "terraform-aws-rights.toml",
    "terraform-aws-services.toml",
    "terraform-azure-more.toml",
    "terraform-azure-services.toml",
    "terraform-azure.toml",
    "terraform-general.toml",
    "terraform-google-more.toml",
    "terraform-google.toml",
    "terraform-secrets.toml",
];
