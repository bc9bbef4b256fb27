//! What the configuration says about uploads, for all routes and for one.

use gabion_model::{ByteSize, Period, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::image::ImageRules;
use super::kind::Kind;
use super::zip::ArchiveRules;
use crate::check::Mode;

/// `[checks.upload]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `enforce`, `observe` or `off`.
    pub mode: Mode,
    /// Kinds of file that are taken where a route does not say otherwise.
    pub types: Vec<Kind>,
    /// The largest file. The whole body is bounded by `checks.limits.upload` and a route's `upload_limit`.
    pub max_size: ByteSize,
    /// The most files in one request.
    pub max_files: u32,
    /// The most text fields beside them.
    pub max_fields: u32,
    /// The largest text field.
    pub field_size: ByteSize,
    /// Give every file a random name with the extension of its kind. Otherwise the application gets the name that
    /// was sent, if it is a plain one.
    pub rename: bool,
    /// What becomes of places, cameras, names and comments in pictures, film and sound: `strip` or `keep`. In PDF,
    /// documents, WebM, Matroska and Ogg they stay.
    pub metadata: Metadata,
    /// Decode pictures and encode them anew. Only `jpeg`, `png` and `webp` can be taken beside other files then.
    pub reencode: bool,
    /// The most points of a picture, width times height.
    pub max_pixels: u64,
    /// The most frames of a moving picture.
    pub max_frames: u32,
    /// SVG that runs or fetches something: `refuse` it, or `clean` it.
    pub svg: Svg,
    /// Take PDF with scripts, attached files, forms that are sent, or encryption.
    pub active_pdf: bool,
    /// Bounds on archives, and on documents that are archives.
    pub archive: ArchiveSettings,
    /// Bytes of a request held in memory before the rest goes to the spool.
    pub memory: ByteSize,
    /// Bytes of all requests together in the spool.
    pub spool: ByteSize,
    /// When the application begins to see an upload: after the whole `request` was judged, or with every `file`.
    pub hold: Hold,
    /// Who looks for viruses in every file.
    pub antivirus: Option<Antivirus>,
}

/// `[checks.upload.archive]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveSettings {
    /// The most entries.
    pub entries: u32,
    /// The most bytes unpacked.
    pub unpacked: ByteSize,
    /// The most unpacked bytes for one packed byte.
    pub ratio: u32,
    /// How deep archives lie in archives; 1: none inside.
    pub depth: u32,
}

/// `[checks.upload.antivirus]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Antivirus {
    /// `clamd` or `icap`.
    pub protocol: AntivirusProtocol,
    /// Where it listens: `host:port` or, for `clamd`, `unix:/run/clamav/clamd.ctl`; for `icap` an address like
    /// `icap://127.0.0.1:1344/avscan`.
    pub address: String,
    /// How long one file may take. What has no answer by then is refused.
    #[serde(default = "half_a_minute")]
    pub timeout: Period,
    /// How many files are looked at at once; more wait, as long as `timeout`.
    #[serde(default = "eight")]
    pub at_once: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AntivirusProtocol {
    /// ClamAV's own protocol, command `INSTREAM`.
    Clamd,
    /// RFC 3507, `RESPMOD`.
    Icap,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Metadata {
    /// Which way up a photo is stays known.
    #[default]
    Strip,
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Svg {
    #[default]
    Refuse,
    Clean,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Hold {
    /// The application never hears of a refused upload.
    #[default]
    Request,
    /// It sees what stands before a refused file, and its connection breaks off there.
    File,
}

/// `upload` of a route: what differs there from `[checks.upload]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RouteUpload {
    /// Kinds of file that are taken.
    pub types: Option<Vec<Kind>>,
    /// The largest file.
    pub max_size: Option<ByteSize>,
    /// The most files in one request.
    pub max_files: Option<u32>,
    /// Names of the form fields that hold files. Files elsewhere are refused, and text there. Default: any.
    pub fields: Option<Vec<String>>,
    /// Bodies that are no forms are files themselves, as with `PUT`.
    pub raw: bool,
    /// Give every file a random name.
    pub rename: Option<bool>,
    /// What becomes of places, cameras and comments in pictures.
    pub metadata: Option<Metadata>,
    /// Decode pictures and encode them anew.
    pub reencode: Option<bool>,
}

/// Both together, for one route.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) types: Vec<Kind>,
    pub(crate) max_size: u64,
    pub(crate) max_files: u32,
    pub(crate) max_fields: u32,
    pub(crate) field_size: u64,
    pub(crate) fields: Option<Vec<String>>,
    pub(crate) raw: bool,
    pub(crate) rename: bool,
    pub(crate) reencode: bool,
    pub(crate) image: ImageRules,
    pub(crate) clean_svg: bool,
    pub(crate) passive_pdf: bool,
    pub(crate) archive: ArchiveRules,
    pub(crate) memory: usize,
    pub(crate) hold: Hold,
    /// Somebody must look for viruses.
    pub(crate) scanned: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            types: vec![Kind::Gif, Kind::Jpeg, Kind::Pdf, Kind::Png, Kind::Text, Kind::Webp],
            max_size: ByteSize::new(5_000_000),
            max_files: 10,
            max_fields: 100,
            field_size: ByteSize::new(256_000),
            rename: true,
            metadata: Metadata::Strip,
            reencode: false,
            max_pixels: 50_000_000,
            max_frames: 500,
            svg: Svg::Refuse,
            active_pdf: false,
            archive: ArchiveSettings::default(),
            memory: ByteSize::new(128_000),
            spool: ByteSize::new(2_000_000_000),
            hold: Hold::Request,
            antivirus: None,
        }
    }
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self { entries: 1_000, unpacked: ByteSize::new(100_000_000), ratio: 200, depth: 1 }
    }
}

impl Settings {
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Kind::problems(&self.types, "types", self.reencode);
        for (name, is_zero) in [
            ("max_size", self.max_size.bytes() == 0),
            ("max_files", self.max_files == 0),
            ("max_pixels", self.max_pixels == 0),
            ("max_frames", self.max_frames == 0),
            ("archive.ratio", self.archive.ratio == 0),
            ("archive.depth", self.archive.depth == 0),
        ] {
            if is_zero {
                problems.push(Problem::new(name, "must be more than zero"));
            }
        }
        if !(16_000..=16_000_000).contains(&self.memory.bytes()) {
            problems.push(
                Problem::new("memory", format!("`{}` is not between 16kB and 16MB", self.memory))
                    .hint("every upload that is on its way takes so much"),
            );
        }
        if self.archive.depth > 4 {
            problems
                .push(Problem::new("archive.depth", format!("`{}` is deeper than 4", self.archive.depth)));
        }
        problems.extend(self.antivirus.iter().flat_map(Antivirus::problems));
        problems
    }

    pub(crate) fn rules(&self, route: Option<&RouteUpload>) -> Rules {
        let none = RouteUpload::default();
        let own = route.unwrap_or(&none);
        let metadata = own.metadata.unwrap_or(self.metadata);
        Rules {
            types: own.types.clone().unwrap_or_else(|| self.types.clone()),
            max_size: own.max_size.unwrap_or(self.max_size).bytes(),
            max_files: own.max_files.unwrap_or(self.max_files),
            max_fields: self.max_fields,
            field_size: self.field_size.bytes(),
            fields: own.fields.clone(),
            raw: own.raw,
            rename: own.rename.unwrap_or(self.rename),
            reencode: own.reencode.unwrap_or(self.reencode),
            image: ImageRules {
                max_pixels: self.max_pixels,
                max_frames: self.max_frames.into(),
                strip: metadata == Metadata::Strip,
            },
            clean_svg: self.svg == Svg::Clean,
            passive_pdf: !self.active_pdf,
            archive: ArchiveRules {
                entries: self.archive.entries.into(),
                unpacked: self.archive.unpacked.bytes(),
                ratio: self.archive.ratio.max(1).into(),
                depth: self.archive.depth,
            },
            memory: usize::try_from(self.memory.bytes()).unwrap_or(usize::MAX),
            hold: self.hold,
            scanned: self.antivirus.is_some(),
        }
    }
}

impl RouteUpload {
    /// What is wrong with it, paths relative to the route's `upload`.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(types) = &self.types {
            problems.extend(Kind::problems(types, "types", self.reencode == Some(true)));
        }
        if self.fields.as_ref().is_some_and(Vec::is_empty) && !self.raw {
            problems.push(
                Problem::new("fields", "no file could ever be accepted").hint("name a field, or remove it"),
            );
        }
        for (name, is_zero) in [
            ("max_size", self.max_size.is_some_and(|size| size.bytes() == 0)),
            ("max_files", self.max_files == Some(0)),
        ] {
            if is_zero {
                problems.push(Problem::new(name, "must be more than zero"));
            }
        }
        problems
    }
}

impl Antivirus {
    /// Paths relative to `[checks.upload]`.
    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let address = self.address.as_str();
        let has_port = |text: &str| {
            text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        let sound = match self.protocol {
            AntivirusProtocol::Clamd => match address.strip_prefix("unix:") {
                Some(path) => path.starts_with('/'),
                None => has_port(address),
            },
            AntivirusProtocol::Icap => address.strip_prefix("icap://").is_some_and(|rest| {
                let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@' && byte != b'#');
                plain
                    && rest
                        .split_once('/')
                        .is_some_and(|(authority, service)| has_port(authority) && !service.is_empty())
            }),
        };
        if !sound {
            let hint = match self.protocol {
                AntivirusProtocol::Clamd => "for instance `127.0.0.1:3310` or `unix:/run/clamav/clamd.ctl`",
                AntivirusProtocol::Icap => "for instance `icap://127.0.0.1:1344/avscan`",
            };
            problems.push(
                Problem::new("antivirus.address", format!("`{address}` is no address of a scanner"))
                    .hint(hint),
            );
        }
        if self.timeout.as_duration().is_zero() {
            problems.push(Problem::new("antivirus.timeout", "must be more than zero"));
        }
        if self.at_once == 0 {
            problems.push(Problem::new("antivirus.at_once", "must be more than zero"));
        }
        problems
    }
}

const fn half_a_minute() -> Period {
    Period::from_secs(30)
}

const fn eight() -> u32 {
    8
}
