//! Results in the formats that etcdutl prints.

use clap::ValueEnum;

/// A format of `--write-out`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Values separated by commas
    #[default]
    Simple,
    /// One JSON object
    Json,
    /// A name and a value a line
    Fields,
    /// A table
    Table,
}

/// One value in its forms.
pub(super) struct Cell {
    /// Heading of the table.
    pub(super) heading: &'static str,
    /// Name among the fields.
    pub(super) field: &'static str,
    /// Key of the JSON object.
    pub(super) key: &'static str,
    /// The value for people.
    pub(super) shown: String,
    /// The value for programs.
    pub(super) value: serde_json::Value,
}

/// A result with its newline.
pub(super) fn render(format: Format, cells: &[Cell]) -> String {
    match format {
        Format::Simple => {
            let shown: Vec<&str> = cells.iter().map(|cell| cell.shown.as_str()).collect();
            format!("{}\n", shown.join(", "))
        }
        Format::Json => {
            // By hand: keys stay in upstream's order.
            let pairs: Vec<String> = cells
                .iter()
                .map(|cell| format!("\"{}\":{}", cell.key, cell.value))
                .collect();
            format!("{{{}}}\n", pairs.join(","))
        }
        Format::Fields => {
            let plain = |cell: &Cell| {
                cell.value
                    .as_str()
                    .map_or_else(|| cell.value.to_string(), str::to_owned)
            };
            let lines: Vec<String> = cells
                .iter()
                .map(|cell| format!("\"{}\" : {}\n", cell.field, plain(cell)))
                .collect();
            lines.concat()
        }
        Format::Table => table(cells),
    }
}

fn table(cells: &[Cell]) -> String {
    let width = |cell: &Cell| cell.heading.chars().count().max(cell.shown.chars().count());
    let row = |draw: &dyn Fn(&Cell, usize) -> String| {
        let drawn: Vec<String> = cells.iter().map(|cell| draw(cell, width(cell))).collect();
        drawn.concat()
    };
    let line = row(&|_, width| format!("+{}", "-".repeat(width + 2)));
    let head = row(&|cell, width| format!("| {:^width$} ", cell.heading.to_uppercase()));
    let body = row(&|cell, width| format!("| {:>width$} ", cell.shown));
    format!("{line}+\n{head}|\n{line}+\n{body}|\n{line}+\n")
}

/// A number of bytes as upstream shows it: `20 kB`, `1.2 MB`, in powers of ten.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: &[&str] = &["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if number < 10 {
        return format!("{number} B");
    }
    let power = (number.ilog10() / 3) as usize;
    // Tenths, rounded half up; exact for all that a file can hold.
    let tenths = (u128::from(number) * 100 / 1000u128.pow(power as u32) + 5) / 10;
    let unit = UNITS.get(power).copied().unwrap_or_default();
    if tenths < 100 {
        return format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    // Upstream rounds the tenths once more, halves to even.
    let (whole, rest) = (tenths / 10, tenths % 10);
    let up = rest > 5 || (rest == 5 && whole % 2 == 1);
    format!("{} {unit}", whole + u128::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_shown_in_powers_of_ten() {
        for (number, shown) in [
            (0, "0 B"),
            (9, "9 B"),
            (25, "25 B"),
            (20_480, "20 kB"),
            (1_234_567, "1.2 MB"),
            (9_990_000, "10 MB"),
        ] {
            assert_eq!(bytes(number), shown);
        }
    }

    #[test]
    fn the_formats_are_upstreams() {
        let cells = [
            Cell {
                heading: "hash",
                field: "Hash",
                key: "hash",
                shown: "fe01cf57".into(),
                value: 4_261_539_671_u32.into(),
            },
            Cell {
                heading: "total keys",
                field: "Keys",
                key: "totalKey",
                shown: "9".into(),
                value: 9.into(),
            },
            Cell {
                heading: "version",
                field: "Version",
                key: "version",
                shown: "3.6.0".into(),
                value: "3.6.0".into(),
            },
        ];
        assert_eq!(render(Format::Simple, &cells), "fe01cf57, 9, 3.6.0\n");
        assert_eq!(
            render(Format::Json, &cells),
            "{\"hash\":4261539671,\"totalKey\":9,\"version\":\"3.6.0\"}\n"
        );
        assert_eq!(
            render(Format::Fields, &cells),
            "\"Hash\" : 4261539671\n\"Keys\" : 9\n\"Version\" : 3.6.0\n"
        );
        let expected = "+----------+------------+---------+\n|   HASH   | TOTAL KEYS | VERSION |\n\
                        +----------+------------+---------+\n| fe01cf57 |          9 |   3.6.0 |\n\
                        +----------+------------+---------+\n";
        assert_eq!(render(Format::Table, &cells), expected);
    }
}
