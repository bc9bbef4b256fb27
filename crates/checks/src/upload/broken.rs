//! What can be wrong with an upload.

use gabion_model::ControlId;
use http::StatusCode;

use crate::denial::Denial;
use crate::multipart;

/// The broken rules. Alphabetical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Broken {
    #[error("the file runs something in whoever opens it")]
    Active,
    #[error("an archive holds an archive too deep inside")]
    ArchiveDepth,
    #[error("an archive's entries disagree with its directory")]
    ArchiveDisagrees,
    #[error("an archive is encrypted")]
    ArchiveEncrypted,
    #[error("an archive uses a method that cannot be looked into")]
    ArchiveMethod,
    #[error("an archive's entry has a name outside of it")]
    ArchiveName,
    #[error("an archive unpacks to too much")]
    ArchiveSize,
    #[error("an archive holds a link or a device")]
    ArchiveSpecial,
    #[error("an archive holds too many entries")]
    ArchiveTooMany,
    #[error("the body is not what its content type says")]
    Body(#[from] multipart::Violation),
    #[error("the declared type is another than the content's")]
    Declared,
    #[error("the body has a content coding")]
    Encoded,
    #[error("the file name's extension is another than the content's")]
    Extension,
    #[error("a text field is longer than allowed")]
    FieldTooLong,
    #[error("too many text fields")]
    FieldsTooMany,
    #[error("the file is longer than allowed")]
    FileTooLong,
    #[error("too many files")]
    FilesTooMany,
    #[error("the picture has too many points or frames")]
    ImageTooLarge,
    #[error("the file is infected")]
    Infected,
    #[error("the file is damaged, or not all of the kind it begins as")]
    Malformed,
    #[error("one of the file name's extensions is run by servers")]
    NameExtensions,
    #[error("the file name holds a path")]
    NamePath,
    #[error("the file name holds signs that mean something somewhere")]
    NameSigns,
    #[error("a file in a field that takes none, or text in one that takes files")]
    Place,
    #[error("the file is of two kinds at once, or something follows its end")]
    Polyglot,
    #[error("no room to judge the file")]
    Room,
    #[error("the virus scanner is busy")]
    ScannerBusy,
    #[error("the virus scanner gave no answer")]
    ScannerFailed,
    #[error("a text field is no UTF-8 text")]
    Text,
    #[error("the content's type is not taken here")]
    Type,
    #[error("the route takes no body that is a file")]
    Unexpected,
}

impl Broken {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::FieldTooLong | Self::FieldsTooMany | Self::FilesTooMany | Self::FileTooLong => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Declared | Self::Encoded | Self::Extension | Self::Type | Self::Unexpected => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Body(multipart::Violation::ContentType | multipart::Violation::Nested) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Body(multipart::Violation::PartTooLong | multipart::Violation::TooManyParts) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Body(_) | Self::Text | Self::Place => StatusCode::BAD_REQUEST,
            Self::ScannerBusy | Self::ScannerFailed | Self::Room => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// The refusal, without the place.
    pub(crate) fn denial(self) -> Denial {
        let public = match self.status() {
            StatusCode::PAYLOAD_TOO_LARGE => "The upload is too large.",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "Files of this type are not taken here.",
            StatusCode::BAD_REQUEST => "The upload is malformed or ambiguous.",
            StatusCode::SERVICE_UNAVAILABLE => "Files cannot be looked at right now. Try again in a moment.",
            _ => "The file is not taken: it is damaged, or more than it says.",
        };
        let denial = Denial::new(ControlId::INPUT_UPLOADS, self.status(), public, self.to_string());
        match self.status() {
            StatusCode::SERVICE_UNAVAILABLE => denial.retry_after(10),
            _ => denial,
        }
    }
}
