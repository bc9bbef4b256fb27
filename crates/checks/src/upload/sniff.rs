//! What a file is by its first bytes, whatever it says it is.
//!
//! Signatures as in RFC 2046's registrations, the WHATWG standard on MIME sniffing §6 and §7.1, and the formats'
//! own documents. What runs somewhere is recognised so that it can be named in the record.

use super::kind::Kind;

/// What the first bytes show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// A kind with a signature. Every zip archive is [`Kind::Zip`] here: which one, its entries say.
    Kind(Kind),
    /// Something with a signature that is never taken; its name.
    Never(&'static str),
    /// A page or a script for a browser or a server; its name.
    Active(&'static str),
    /// Begins like XML: perhaps SVG.
    Xml,
    /// No sign of anything: perhaps text.
    Unknown,
}

/// How many bytes [`sniff`] wants to see.
pub const SNIFFED_BYTES: usize = 1024;

/// Judges the first bytes of a file: [`SNIFFED_BYTES`] of them, or all there are.
#[must_use]
pub fn sniff(head: &[u8]) -> Sniffed {
    let head = head.get(..SNIFFED_BYTES).unwrap_or(head);
    let found = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature));
    if let Some((signature, found)) = found {
        // Two or three letters also begin words.
        let is_word = signature.len() <= 4 && signature.iter().all(u8::is_ascii_alphanumeric);
        if !(is_word && is_textual(head)) {
            return *found;
        }
    }
    match head.get(8..12) {
        Some(b"WEBP") if head.starts_with(b"RIFF") => return Sniffed::Kind(Kind::Webp),
        Some(b"WAVE") if head.starts_with(b"RIFF") => return Sniffed::Kind(Kind::Wav),
        Some(b"AVI ") if head.starts_with(b"RIFF") => return Sniffed::Kind(Kind::Avi),
        Some(brand) if head.get(4..8) == Some(b"ftyp") => return by_brand(brand),
        _ => {}
    }
    if head.get(257..262) == Some(b"ustar") {
        return Sniffed::Never("tar");
    }
    if head.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]) {
        let has = |name: &[u8]| memchr::memmem::find(head.get(..64).unwrap_or(head), name).is_some();
        if has(b"webm") {
            return Sniffed::Kind(Kind::Webm);
        }
        return if has(b"matroska") { Sniffed::Kind(Kind::Matroska) } else { Sniffed::Never("ebml") };
    }
    if is_sound(head) {
        return Sniffed::Kind(Kind::Mp3);
    }
    text(head)
}

/// Begins with a frame of MPEG audio, layer III.
pub(super) fn is_sound(head: &[u8]) -> bool {
    matches!(head, [0xff, second, third, ..] if second & 0xe6 == 0xe2 && third >> 4 != 0xf && third & 0x0c != 0x0c)
}

/// Without the control characters that every binary format has early.
fn is_textual(head: &[u8]) -> bool {
    !head.iter().any(|byte| (*byte < b' ' && !b"\t\n\r\x0c".contains(byte)) || *byte == 0x7f)
}

/// ISO base media files say what they are by their brand.
fn by_brand(brand: &[u8]) -> Sniffed {
    Sniffed::Kind(match brand {
        b"avif" | b"avis" => Kind::Avif,
        b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1" => Kind::Heic,
        b"M4A " | b"M4B " => Kind::M4a,
        b"qt  " => Kind::Mov,
        b"isom" | b"iso2" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V " | b"M4VH"
        | b"M4VP" | b"dash" | b"mmp4" | b"3gp4" | b"3gp5" | b"f4v " | b"MSNV" => Kind::Mp4,
        _ => return Sniffed::Never("isobmff"),
    })
}

/// Text that is more than text.
fn text(head: &[u8]) -> Sniffed {
    let bare = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if bare.starts_with(b"#!") {
        return Sniffed::Active("script");
    }
    // Two bytes a character: browsers and interpreters would read what a search for bytes does not find.
    if bare.starts_with(b"\xff\xfe") || bare.starts_with(b"\xfe\xff") {
        return Sniffed::Never("utf-16");
    }
    let bare = bare.trim_ascii_start();
    if let Some(marker) = marker(head) {
        return Sniffed::Active(marker);
    }
    if bare.starts_with(b"<?xml") || starts_ignoring_case(bare, b"<!doctype svg") {
        return Sniffed::Xml;
    }
    if starts_ignoring_case(bare, b"<svg") {
        return Sniffed::Xml;
    }
    if HTML.iter().any(|tag| {
        starts_ignoring_case(bare, tag)
            && bare.get(tag.len()).is_none_or(|next| next.is_ascii_whitespace() || b">/".contains(next))
    }) {
        return Sniffed::Active("html");
    }
    if starts_ignoring_case(bare, b"<%") || bare.starts_with(b"<!--") {
        return Sniffed::Active("page");
    }
    Sniffed::Unknown
}

/// What makes a browser or a server take bytes for a program, wherever in a file it stands.
#[must_use]
pub fn marker(bytes: &[u8]) -> Option<&'static str> {
    memchr::memchr_iter(b'<', bytes).find_map(|at| {
        let rest = bytes.get(at..)?;
        MARKERS.iter().find(|(text, _)| starts_ignoring_case(rest, text)).map(|(_, name)| *name)
    })
}

fn starts_ignoring_case(bytes: &[u8], start: &[u8]) -> bool {
    bytes.get(..start.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(start))
}

/// Bytes that [`marker`] may have to see at once.
pub(crate) const LONGEST_MARKER: usize = 16;

const MARKERS: &[(&[u8], &str)] = &[
    (b"<?php", "php"),
    (b"<!doctype html", "html"),
    (b"<script", "html"),
    (b"<html", "html"),
    (b"<iframe", "html"),
    (b"<%@page", "page"),
    (b"<%@ page", "page"),
    (b"<cfscript", "page"),
    (b"<jsp:", "page"),
];

/// Tags with which a browser begins to take text for a page.
const HTML: &[&[u8]] = &[
    b"<!doctype",
    b"<head",
    b"<body",
    b"<title",
    b"<meta",
    b"<link",
    b"<style",
    b"<table",
    b"<div",
    b"<font",
    b"<h1",
    b"<a",
    b"<b",
    b"<p",
    b"<br",
    b"<img",
    b"<form",
    b"<input",
    b"<object",
    b"<embed",
    b"<frameset",
    b"<base",
    b"<video",
    b"<audio",
    b"<math",
    b"<template",
    b"<details",
];

const SIGNATURES: &[(&[u8], Sniffed)] = &[
    (b"\x89PNG\r\n\x1a\n", Sniffed::Kind(Kind::Png)),
    (b"\xff\xd8\xff", Sniffed::Kind(Kind::Jpeg)),
    (b"GIF87a", Sniffed::Kind(Kind::Gif)),
    (b"GIF89a", Sniffed::Kind(Kind::Gif)),
    (b"%PDF-", Sniffed::Kind(Kind::Pdf)),
    (b"PK\x03\x04", Sniffed::Kind(Kind::Zip)),
    (b"PK\x05\x06", Sniffed::Kind(Kind::Zip)),
    (b"\x1f\x8b\x08", Sniffed::Kind(Kind::Gzip)),
    (b"fLaC", Sniffed::Kind(Kind::Flac)),
    (b"OggS\0", Sniffed::Kind(Kind::Ogg)),
    (b"ID3", Sniffed::Kind(Kind::Mp3)),
    (b"BM", Sniffed::Kind(Kind::Bmp)),
    (b"\x7fELF", Sniffed::Never("elf")),
    (b"MZ", Sniffed::Never("windows program")),
    (b"\xca\xfe\xba\xbe", Sniffed::Never("java class")),
    (b"\xfe\xed\xfa", Sniffed::Never("macos program")),
    (b"\xcf\xfa\xed\xfe", Sniffed::Never("macos program")),
    (b"\xce\xfa\xed\xfe", Sniffed::Never("macos program")),
    (b"\0asm", Sniffed::Never("webassembly")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Sniffed::Never("ole document")),
    (b"{\\rtf", Sniffed::Never("rtf")),
    (b"Rar!\x1a\x07", Sniffed::Never("rar")),
    (b"7z\xbc\xaf\x27\x1c", Sniffed::Never("7z")),
    (b"\xfd7zXZ\0", Sniffed::Never("xz")),
    (b"BZh", Sniffed::Never("bzip2")),
    (b"\x28\xb5\x2f\xfd", Sniffed::Never("zstd")),
    (b"MSCF", Sniffed::Never("cabinet")),
    (b"CWS", Sniffed::Never("flash")),
    (b"FWS", Sniffed::Never("flash")),
    (b"L\0\0\0\x01\x14\x02\0", Sniffed::Never("windows shortcut")),
    (b"II*\0", Sniffed::Never("tiff")),
    (b"MM\0*", Sniffed::Never("tiff")),
    (b"%!PS", Sniffed::Never("postscript")),
    (b"\0\0\x01\0", Sniffed::Never("icon")),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn first_bytes_tell() {
        let rows: &[(&[u8], Sniffed)] = &[
            (b"\x89PNG\r\n\x1a\n\0\0", Sniffed::Kind(Kind::Png)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", Sniffed::Kind(Kind::Webp)),
            (b"RIFF\x10\0\0\0WAVEfmt ", Sniffed::Kind(Kind::Wav)),
            (b"\0\0\0\x18ftypmp42\0\0", Sniffed::Kind(Kind::Mp4)),
            (b"\0\0\0\x18ftypheic\0\0", Sniffed::Kind(Kind::Heic)),
            (b"\0\0\0\x18ftypzzzz\0\0", Sniffed::Never("isobmff")),
            (b"\xff\xfb\x90\x64", Sniffed::Kind(Kind::Mp3)),
            (b"\xff\xfea\0", Sniffed::Never("utf-16")),
            (b"MZ\x90\0", Sniffed::Never("windows program")),
            (b"#!/bin/sh", Sniffed::Active("script")),
            (b" \n<HTML>", Sniffed::Active("html")),
            (b"\xef\xbb\xbf<p class=x>", Sniffed::Active("html")),
            (b"<!-- x --><script>", Sniffed::Active("html")),
            (b"hello <?PHP system(1)", Sniffed::Active("php")),
            (b"<?xml version=\"1.0\"?><svg", Sniffed::Xml),
            (b"<svg xmlns", Sniffed::Xml),
            (b"a,b\n1,<2\n", Sniffed::Unknown),
            (b"BMW and MZ", Sniffed::Unknown),
            (b"BM\x46\0\0\0\0\0\0\0", Sniffed::Kind(Kind::Bmp)),
            (b"", Sniffed::Unknown),
        ];
        for (bytes, sniffed) in rows {
            assert_eq!(sniff(bytes), *sniffed, "{}", String::from_utf8_lossy(bytes));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..1200)) {
            let _ = sniff(&bytes);
            let found = marker(&bytes);
            prop_assert!(found.is_none() || bytes.contains(&b'<'));
        }
    }
}
