//! The table of the README: what each oracle caught.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

/// Which of the README's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    /// That of all mutants.
    Whole,
    /// That of the sample.
    Sample,
    /// That of what the oracles with a server say of all mutants.
    Behaviour,
}

impl Block {
    /// The lines around it.
    fn marks(self) -> (String, String) {
        let name = match self {
            Self::Whole => "mutants",
            Self::Sample => "sample",
            Self::Behaviour => "behaviour",
        };
        (format!("<!-- {name}: begin; written by `{}` -->", self.command()), format!("<!-- {name}: end -->"))
    }

    /// What writes it.
    fn command(self) -> &'static str {
        match self {
            Self::Whole | Self::Sample => "cargo xtask mutate --write",
            Self::Behaviour => "cargo xtask mutate --behaviour --write",
        }
    }

    /// What stands before it, it, and what stands after it.
    fn cut(self, readme: &str) -> Result<(&str, &str, &str)> {
        let (begin, end) = self.marks();
        let (before, rest) = readme.split_once(&begin).with_context(|| format!("README.md has no line `{begin}`"))?;
        let (table, after) = rest.split_once(&end).with_context(|| format!("README.md has no line `{end}`"))?;
        Ok((before, table, after))
    }
}

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The oracle, in words; lines are told apart by it.
    pub oracle: &'static str,
    /// Caught and asked about, per class of node.
    pub cells: Vec<(usize, usize)>,
    /// Neutral rewrites it took for changes, and how many it was shown; none where it wasn't asked.
    pub alarms: Option<(usize, usize)>,
    /// How long it took, in seconds, what was done at the same time added up.
    pub seconds: f64,
}

fn percent((caught, all): (usize, usize)) -> f64 {
    // Rounded down: only what misses nothing is 100.
    if all == 0 { 100.0 } else { (caught as f64 * 1000.0 / all as f64).floor() / 10.0 }
}

/// The table.
#[must_use]
pub(super) fn render(rows: &[Row]) -> String {
    let mut out = String::from(
        "| oracle | mutants of the contract | of examples | of prose | alarms at neutral rewrites | seconds, threads added up |\n|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let _ = write!(out, "| {} |", row.oracle);
        for cell in &row.cells {
            match cell {
                (_, 0) => out.push_str(" – |"),
                (caught, all) => drop(write!(out, " {:.1} % ({caught} of {all}) |", percent(*cell))),
            }
        }
        match row.alarms {
            Some((loud, shown)) => drop(write!(out, " {loud} of {shown} |")),
            None => out.push_str(" – |"),
        }
        let _ = writeln!(out, " {:.0} |", row.seconds);
    }
    out
}

/// The README with this table in it.
///
/// # Errors
/// When the README has no place for it.
pub(super) fn put(readme: &str, block: Block, table: &str) -> Result<String> {
    let (begin, end) = block.marks();
    let (before, _, after) = block.cut(readme)?;
    Ok(format!("{before}{begin}\n{table}{end}{after}"))
}

/// What fell below what the README says, one sentence a cell: the share that is caught, and, unless only a part was
/// asked, how many were asked about and whether an oracle was asked at all. How long it takes depends on the machine
/// and is not held against it.
///
/// # Errors
/// When the README has no table, or one that can't be read.
pub(super) fn fallen(readme: &str, block: Block, rows: &[Row], is_part: bool) -> Result<Vec<String>> {
    let (_, table, _) = block.cut(readme)?;
    let mut found = Vec::new();
    let said = table.lines().filter(|line| line.starts_with("| ")).skip(1).filter_map(|line| cells(line).next());
    for oracle in said.filter(|oracle| !is_part && !rows.iter().any(|row| row.oracle == *oracle)) {
        found.push(format!("{oracle}: README.md has a line for it, and it was not asked"));
    }
    for row in rows {
        let line = table.lines().find(|line| cells(line).next() == Some(row.oracle));
        let Some(line) = line else {
            bail!("README.md has no line for `{}`: run `{}`", row.oracle, block.command());
        };
        for (cell, text) in row.cells.iter().zip(cells(line).skip(1)).filter(|(cell, text)| cell.1 > 0 || *text != "–")
        {
            let said = text.split_once(" %").and_then(|(number, _)| number.parse::<f64>().ok());
            let all = text.split_once(" of ").and_then(|(_, all)| all.trim_end_matches(')').parse::<usize>().ok());
            let (said, all) = said.zip(all).with_context(|| format!("README.md: no figure in `{line}`"))?;
            if cell.1 < all && !is_part {
                found.push(format!("{}: asked about {}, README.md says {all}", row.oracle, cell.1));
            }
            if percent(*cell) < said {
                found.push(format!(
                    "{}: caught {:.1} % ({} of {}), README.md says {said} %",
                    row.oracle,
                    percent(*cell),
                    cell.0,
                    cell.1
                ));
            }
        }
        if let Some((loud, _)) = row.alarms.filter(|(loud, _)| *loud > 0) {
            found.push(format!("{}: {loud} neutral rewrites taken for changes", row.oracle));
        }
    }
    Ok(found)
}

fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.trim().trim_matches('|').split('|').map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(caught: usize) -> Row {
        Row { oracle: "S", cells: vec![(caught, 1000), (0, 0)], alarms: Some((0, 40)), seconds: 1.5 }
    }

    #[test]
    fn a_cell_may_rise_and_not_fall() {
        let empty = [Block::Whole, Block::Sample, Block::Behaviour]
            .map(Block::marks)
            .map(|(begin, end)| format!("{begin}\n{end}"));
        let readme = put(&format!("a\n{}\nb\n", empty.join("\n")), Block::Whole, &render(&[row(998)])).unwrap();
        assert!(readme.starts_with("a\n") && readme.ends_with("\nb\n") && readme.contains("99.8 % (998 of 1000)"));
        let fallen = |rows: &[Row]| super::fallen(&readme, Block::Whole, rows, false);
        assert_eq!(fallen(&[row(998)]).unwrap(), Vec::<String>::new());
        assert_eq!(fallen(&[row(1000)]).unwrap(), Vec::<String>::new());
        assert_eq!(fallen(&[row(997)]).unwrap(), ["S: caught 99.7 % (997 of 1000), README.md says 99.8 %"]);
        assert_eq!(fallen(&[Row { alarms: Some((1, 40)), ..row(998) }]).unwrap().len(), 1);
        assert!(fallen(&[Row { oracle: "T", ..row(998) }]).is_err());
        let few = |all| Row { cells: vec![(all, all), (0, 0)], ..row(998) };
        assert_eq!(fallen(&[few(10)]).unwrap(), ["S: asked about 10, README.md says 1000"]);
        assert_eq!(fallen(&[few(0)]).unwrap().len(), 1);
        assert_eq!(super::fallen(&readme, Block::Whole, &[few(10)], true).unwrap(), Vec::<String>::new());
        assert_eq!(fallen(&[]).unwrap(), ["S: README.md has a line for it, and it was not asked"]);
        assert_eq!(super::fallen(&readme, Block::Whole, &[], true).unwrap(), Vec::<String>::new());
        assert!(super::fallen(&readme, Block::Sample, &[row(998)], false).is_err());
        let both = put(&readme, Block::Behaviour, &format!("Each 3rd.\n\n{}", render(&[row(500)]))).unwrap();
        assert!(both.contains("99.8 %") && both.contains("Each 3rd."));
        assert_eq!(super::fallen(&both, Block::Behaviour, &[row(500)], false).unwrap(), Vec::<String>::new());
        assert_eq!(super::fallen(&both, Block::Behaviour, &[row(499)], false).unwrap().len(), 1);
        assert!(super::fallen("nothing", Block::Whole, &[row(998)], false).is_err());
    }

    #[test]
    fn only_what_misses_nothing_is_a_hundred() {
        assert_eq!(percent((9999, 10_000)), 99.9);
        assert_eq!(percent((10_000, 10_000)), 100.0);
    }
}
