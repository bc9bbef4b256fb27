//! Columns that line up, also when their cells have colours.

use anstyle::Style;

/// A cell: what it says and how it looks.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) style: Style,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), style: Style::new() }
    }
}

/// A cell with a look.
pub(crate) fn styled(text: impl Into<String>, style: Style) -> Cell {
    Cell { text: text.into(), style }
}

/// Rows under a head, two spaces between columns; the last column is not padded.
pub(crate) fn table(head: &[&str], rows: &[Vec<Cell>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|title| title.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.text.chars().count());
        }
    }
    let mut out = String::new();
    let heading: Vec<Cell> = head.iter().map(|title| styled(*title, super::FAINT)).collect();
    for row in std::iter::once(&heading).chain(rows) {
        let last = row.len().saturating_sub(1);
        for (position, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let style = cell.style;
            out.push_str(&format!("{style}{}{style:#}", cell.text));
            if position < last {
                let padding = width.saturating_sub(cell.text.chars().count()) + 2;
                out.extend(std::iter::repeat_n(' ', padding));
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_their_colours() {
        let rows = vec![
            vec![styled("ok", super::super::GOOD), "é".into(), "last".into()],
            vec!["failed".into(), "b".into(), "x".into()],
        ];
        let plain = anstream::adapter::strip_str(&table(&["a", "b", "c"], &rows)).to_string();
        assert_eq!(plain, "a       b  c\nok      é  last\nfailed  b  x\n");
    }
}
