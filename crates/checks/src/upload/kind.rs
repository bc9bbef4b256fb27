//! The kinds of file that people upload: what they are called, how they are declared and how they begin.

use gabion_model::Problem;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of file that can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Avif,
    Avi,
    Bmp,
    Csv,
    Docx,
    Epub,
    Flac,
    Gif,
    Gzip,
    Heic,
    Jpeg,
    Json,
    M4a,
    Matroska,
    Mov,
    Mp3,
    Mp4,
    Odp,
    Ods,
    Odt,
    Ogg,
    Pdf,
    Png,
    Pptx,
    Svg,
    Text,
    Wav,
    Webm,
    Webp,
    Xlsx,
    Zip,
}

/// What a row of the table says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// The first is the one given to files that are renamed.
    pub(crate) extensions: &'static [&'static str],
    /// The first is the one the application is told.
    pub(crate) media: &'static [&'static str],
}

impl Kind {
    pub(crate) const fn facts(self) -> Facts {
        let (extensions, media): (&[&str], &[&str]) = match self {
            Self::Avif => (&["avif"], &["image/avif"]),
            Self::Avi => (&["avi"], &["video/x-msvideo", "video/vnd.avi", "video/avi"]),
            Self::Bmp => (&["bmp", "dib"], &["image/bmp", "image/x-ms-bmp"]),
            Self::Csv => (
                &["csv", "tsv"],
                &["text/csv", "text/tab-separated-values", "application/vnd.ms-excel", "text/plain"],
            ),
            Self::Docx => {
                (&["docx"], &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"])
            }
            Self::Epub => (&["epub"], &["application/epub+zip"]),
            Self::Flac => (&["flac"], &["audio/flac", "audio/x-flac"]),
            Self::Gif => (&["gif"], &["image/gif"]),
            Self::Gzip => (
                &["gz", "tgz"],
                &[
                    "application/gzip",
                    "application/x-gzip",
                    "application/x-compressed-tar",
                    "application/x-tgz",
                ],
            ),
            Self::Heic => (&["heic", "heif"], &["image/heic", "image/heif"]),
            Self::Jpeg => (&["jpg", "jpeg", "jpe", "jfif"], &["image/jpeg", "image/jpg", "image/pjpeg"]),
            Self::Json => (
                &["json", "geojson"],
                &["application/json", "application/geo+json", "text/json", "text/plain"],
            ),
            Self::M4a => (&["m4a"], &["audio/mp4", "audio/x-m4a", "audio/m4a"]),
            Self::Matroska => (&["mkv", "mka"], &["video/x-matroska", "audio/x-matroska", "video/matroska"]),
            Self::Mov => (&["mov", "qt"], &["video/quicktime"]),
            Self::Mp3 => (&["mp3"], &["audio/mpeg", "audio/mp3"]),
            Self::Mp4 => (&["mp4", "m4v"], &["video/mp4", "video/x-m4v", "application/mp4"]),
            Self::Odp => (&["odp"], &["application/vnd.oasis.opendocument.presentation"]),
            Self::Ods => (&["ods"], &["application/vnd.oasis.opendocument.spreadsheet"]),
            Self::Odt => (&["odt"], &["application/vnd.oasis.opendocument.text"]),
            Self::Ogg => {
                (&["ogg", "oga", "ogv", "opus"], &["application/ogg", "audio/ogg", "video/ogg", "audio/opus"])
            }
            Self::Pdf => (&["pdf"], &["application/pdf", "application/x-pdf"]),
            Self::Png => {
                (&["png", "apng"], &["image/png", "image/x-png", "image/apng", "image/vnd.mozilla.apng"])
            }
            Self::Pptx => {
                (&["pptx"], &["application/vnd.openxmlformats-officedocument.presentationml.presentation"])
            }
            Self::Svg => (&["svg"], &["image/svg+xml"]),
            Self::Text => {
                (&["txt", "text", "log", "md"], &["text/plain", "text/markdown", "text/x-markdown"])
            }
            Self::Wav => (&["wav"], &["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"]),
            Self::Webm => (&["webm", "weba"], &["video/webm", "audio/webm"]),
            Self::Webp => (&["webp"], &["image/webp"]),
            Self::Xlsx => (&["xlsx"], &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]),
            Self::Zip => {
                (&["zip"], &["application/zip", "application/x-zip-compressed", "application/x-zip"])
            }
        };
        Facts { extensions, media }
    }

    /// Every kind. Alphabetical.
    pub const ALL: [Self; 31] = [
        Self::Avif,
        Self::Avi,
        Self::Bmp,
        Self::Csv,
        Self::Docx,
        Self::Epub,
        Self::Flac,
        Self::Gif,
        Self::Gzip,
        Self::Heic,
        Self::Jpeg,
        Self::Json,
        Self::M4a,
        Self::Matroska,
        Self::Mov,
        Self::Mp3,
        Self::Mp4,
        Self::Odp,
        Self::Ods,
        Self::Odt,
        Self::Ogg,
        Self::Pdf,
        Self::Png,
        Self::Pptx,
        Self::Svg,
        Self::Text,
        Self::Wav,
        Self::Webm,
        Self::Webp,
        Self::Xlsx,
        Self::Zip,
    ];

    /// As the configuration names it.
    #[must_use]
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// What `types` may name is what can be judged; for the rest there is a reason.
    pub(crate) fn problems(types: &[Self], path: &str, reencode: bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        if types.is_empty() {
            problems.push(
                Problem::new(path, "no file could ever be accepted")
                    .hint("for instance `[\"jpeg\", \"png\"]`"),
            );
        }
        for (index, kind) in types.iter().enumerate() {
            if reencode && kind.is_image() && !kind.can_be_made_anew() {
                problems.push(
                    Problem::new(
                        format!("{path}[{index}]"),
                        format!("`{}` cannot be encoded anew", kind.name()),
                    )
                    .hint("only `jpeg`, `png` and `webp` can; remove it, or set `reencode = false`"),
                );
            }
        }
        problems
    }

    pub(crate) const fn is_image(self) -> bool {
        matches!(
            self,
            Self::Avif | Self::Bmp | Self::Gif | Self::Heic | Self::Jpeg | Self::Png | Self::Svg | Self::Webp
        )
    }

    pub(crate) const fn can_be_made_anew(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png | Self::Webp)
    }

    /// Made of text, which has no signature.
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Csv | Self::Json | Self::Svg | Self::Text)
    }

    /// A zip archive with rules of its own.
    pub(crate) const fn is_zip(self) -> bool {
        matches!(
            self,
            Self::Docx | Self::Epub | Self::Odp | Self::Ods | Self::Odt | Self::Pptx | Self::Xlsx | Self::Zip
        )
    }

    /// By extension, in lower case.
    pub(crate) fn by_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.facts().extensions.contains(&extension))
    }

    /// By media type, where only one kind has it.
    pub(crate) fn by_media(essence: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.facts().media.contains(&essence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration_and_extensions_are_unique() {
        let mut seen = Vec::new();
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            for extension in kind.facts().extensions {
                assert!(!seen.contains(extension), "{extension}");
                assert_eq!(Kind::by_extension(extension), Some(kind));
                seen.push(extension);
            }
            assert!(!kind.facts().media.is_empty());
        }
    }
}
