//! Pictures decoded and encoded anew: nothing of the file survives but its points.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};

use super::broken::Broken;
use super::image::ImageRules;
use super::kind::Kind;

/// The same picture, upright, in the same format. Of a moving one its first frame stays. WebP comes out lossless.
pub(super) fn reencode(kind: Kind, bytes: &[u8], rules: &ImageRules) -> Result<Vec<u8>, Broken> {
    let malformed = |_| Broken::Malformed;
    let format = match kind {
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Png => ImageFormat::Png,
        Kind::Webp => ImageFormat::WebP,
        _ => return Err(Broken::Type),
    };
    let mut limits = Limits::default();
    // Eight bytes for a point at most, and what the decoder needs beside.
    limits.max_alloc = Some(rules.max_pixels.saturating_mul(8).saturating_add(SLACK));
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(malformed)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width).saturating_mul(height.into()) > rules.max_pixels {
        return Err(Broken::ImageTooLarge);
    }
    let turned = decoder.orientation().map_err(malformed)?;
    let profile = decoder.icc_profile().ok().flatten();
    let mut picture = DynamicImage::from_decoder(decoder).map_err(malformed)?;
    picture.apply_orientation(turned);
    let mut out = Vec::new();
    match kind {
        Kind::Jpeg => write(&picture, JpegEncoder::new_with_quality(&mut out, QUALITY), profile)?,
        Kind::Png => write(&picture, PngEncoder::new(&mut out), profile)?,
        _ => {
            let picture = match &picture {
                DynamicImage::ImageRgb8(_) | DynamicImage::ImageRgba8(_) => picture,
                other if other.color().has_alpha() => DynamicImage::ImageRgba8(other.to_rgba8()),
                other => DynamicImage::ImageRgb8(other.to_rgb8()),
            };
            write(&picture, WebPEncoder::new_lossless(&mut out), profile)?;
        }
    }
    Ok(out)
}

fn write(
    picture: &DynamicImage,
    mut encoder: impl ImageEncoder,
    profile: Option<Vec<u8>>,
) -> Result<(), Broken> {
    if let Some(profile) = profile {
        // Without it the colours are a little off; with a broken one nothing would be lost either.
        let _ = encoder.set_icc_profile(profile);
    }
    picture.write_with_encoder(encoder).map_err(|_| Broken::Malformed)
}

const QUALITY: u8 = 88;
/// Bytes.
const SLACK: u64 = 16 * 1024 * 1024;
