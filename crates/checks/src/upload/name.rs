//! File names: what an application may be told of one.

use super::broken::Broken;

/// Judges a sent file name; the extension in lower case, where it has one.
///
/// A path is refused in either spelling, as is what Windows or a server reads otherwise than it is written.
pub(crate) fn judge(name: &str) -> Result<Option<String>, Broken> {
    if name.contains(['/', '\\']) || name == "." || name == ".." {
        return Err(Broken::NamePath);
    }
    // Alternate streams, drives, wildcards, pipes, variables.
    if name.chars().any(|sign| sign.is_control() || "<>:\"|?*%$`;".contains(sign)) {
        return Err(Broken::NameSigns);
    }
    if name.len() > LONGEST || name.starts_with(['.', ' ', '-', '~']) || name.ends_with(['.', ' ']) {
        return Err(Broken::NameSigns);
    }
    let mut parts = name.split('.');
    let stem = parts.next().unwrap_or_default();
    if DEVICES.iter().any(|device| device.eq_ignore_ascii_case(stem.trim_end())) {
        return Err(Broken::NameSigns);
    }
    let extensions: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
    let Some((last, before)) = extensions.split_last() else { return Ok(None) };
    // Servers choose by any of them.
    if before.iter().any(|one| RUN_BY_SERVERS.contains(&one.trim())) {
        return Err(Broken::NameExtensions);
    }
    Ok(Some(last.clone()))
}

/// Bytes of a name.
const LONGEST: usize = 200;

/// Names Windows keeps for devices, whatever their extension.
const DEVICES: &[&str] = &[
    "con", "prn", "aux", "nul", "com0", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt0", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

const RUN_BY_SERVERS: &[&str] = &[
    "ashx", "asmx", "asp", "aspx", "bat", "cer", "cfm", "cgi", "cmd", "com", "config", "dll", "exe", "hta",
    "htaccess", "htm", "html", "inc", "jar", "js", "jsp", "jspx", "lnk", "mjs", "msi", "phar", "php", "php3",
    "php4", "php5", "php7", "php8", "phps", "pht", "phtml", "pl", "ps1", "py", "rb", "scr", "sh", "shtml",
    "svg", "swf", "vbs", "war", "wsf", "xhtml", "xml", "xsl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert_eq!(judge("Holiday 2024 (1).JPG"), Ok(Some("jpg".into())));
        assert_eq!(judge("archive.tar.gz"), Ok(Some("gz".into())));
        assert_eq!(judge("\u{e4}\u{f6}.v1.2.pdf"), Ok(Some("pdf".into())));
        assert_eq!(judge("blob"), Ok(None));
        let rows = [
            ("../x.png", Broken::NamePath),
            ("..\\x.png", Broken::NamePath),
            ("/etc/passwd", Broken::NamePath),
            ("C:\\x.png", Broken::NamePath),
            ("..", Broken::NamePath),
            ("x.php.jpg", Broken::NameExtensions),
            ("x.PHP .jpg", Broken::NameExtensions),
            ("x.html.png", Broken::NameExtensions),
            ("x.php::$DATA", Broken::NameSigns),
            ("x.php%00.jpg", Broken::NameSigns),
            ("x.png\0.php", Broken::NameSigns),
            ("x.php.", Broken::NameSigns),
            ("x.php ", Broken::NameSigns),
            (".htaccess", Broken::NameSigns),
            ("-rf.png", Broken::NameSigns),
            ("nul.png", Broken::NameSigns),
            ("$(id).png", Broken::NameSigns),
            ("a\"b.png", Broken::NameSigns),
        ];
        for (name, broken) in rows {
            assert_eq!(judge(name), Err(broken), "{name:?}");
        }
        assert_eq!(judge(&format!("{}.png", "x".repeat(197))), Err(Broken::NameSigns));
    }
}
