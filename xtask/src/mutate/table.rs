//! The table of the README: what each oracle caught.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};

/// Where the table begins in the README.
const BEGIN: &str = "<!-- mutants: begin; written by `cargo xtask mutate --write` -->";
/// Where it ends.
const END: &str = "<!-- mutants: end -->";

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// The oracle, in words; lines are told apart by it.
    pub oracle: &'static str,
    /// Caught and asked about, per class of node.
    pub cells: Vec<(usize, usize)>,
    /// Neutral rewrites it took for changes, and how many it was shown; none where it wasn't asked.
    pub alarms: Option<(usize, usize)>,
    /// How long it took, in seconds, the threads added up.
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
            let _ = write!(out, " {:.1} % ({} of {}) |", percent(*cell), cell.0, cell.1);
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
pub(super) fn put(readme: &str, table: &str) -> Result<String> {
    let (before, rest) = readme.split_once(BEGIN).with_context(|| format!("README.md has no line `{BEGIN}`"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("README.md has no line `{END}`"))?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

/// What fell below what the README says, one sentence a cell. How long it takes depends on the
/// machine and is not held against it.
///
/// # Errors
/// When the README has no table, or one that can't be read.
pub(super) fn fallen(readme: &str, rows: &[Row]) -> Result<Vec<String>> {
    let table = readme.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let (table, _) = table.with_context(|| format!("README.md has no line `{BEGIN}`"))?;
    let mut found = Vec::new();
    if table.trim().is_empty() {
        println!("README.md has no figures yet: run `cargo xtask mutate --write`");
        return Ok(found);
    }
    for row in rows {
        let line = table.lines().find(|line| cells(line).next() == Some(row.oracle));
        let Some(line) = line else {
            bail!("README.md has no line for `{}`: run `cargo xtask mutate --write`", row.oracle);
        };
        for (cell, said) in row.cells.iter().zip(cells(line).skip(1)) {
            let said = said.split_once(" %").and_then(|(number, _)| number.parse::<f64>().ok());
            let said = said.with_context(|| format!("README.md: no figure in `{line}`"))?;
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
        let readme = put(&format!("a\n{BEGIN}\n{END}\nb\n"), &render(&[row(998)])).unwrap();
        assert!(readme.starts_with("a\n") && readme.ends_with("\nb\n") && readme.contains("99.8 % (998 of 1000)"));
        assert_eq!(fallen(&readme, &[row(998)]).unwrap(), Vec::<String>::new());
        assert_eq!(fallen(&readme, &[row(1000)]).unwrap(), Vec::<String>::new());
        assert_eq!(fallen(&readme, &[row(997)]).unwrap(), ["S: caught 99.7 % (997 of 1000), README.md says 99.8 %"]);
        let loud = Row { alarms: Some((1, 40)), ..row(998) };
        assert_eq!(fallen(&readme, &[loud]).unwrap().len(), 1);
        assert!(fallen(&readme, &[Row { oracle: "T", ..row(998) }]).is_err());
        assert!(fallen("nothing", &[row(998)]).is_err());
    }

    #[test]
    fn only_what_misses_nothing_is_a_hundred() {
        assert_eq!(percent((9999, 10_000)), 99.9);
        assert_eq!(percent((10_000, 10_000)), 100.0);
    }
}
