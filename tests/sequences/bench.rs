//! What a benchmark of cells reports.

use unspool::bench::Bench;
use unspool::cells::Mgu;
use unspool::prelude::*;

const SHAPE: [usize; 3] = [6, 4, 3];

#[test]
fn built_in_cells_of_the_same_size_are_measured_beside_a_cell() {
    let report = Bench::new(SHAPE).cell("mine", Mgu::new(&mut rng(0), 3, 5)).built_in(5).seconds(0.0).run();
    let names: Vec<_> = report.rows.iter().map(|row| (&row.name[..], row.parameters)).collect();
    let gates = |n: usize, biases: usize| n * 5 * (3 + 5) + biases * 5;
    assert_eq!(names, [("mine", gates(2, 2)), ("Lstm", gates(4, 4)), ("Gru", gates(3, 4)), ("SimpleRnn", gates(1, 1))]);
    assert!(report.rounds >= 5 && report.fma_peak > 0.0 && report.shape == SHAPE);
    for row in &report.rows {
        assert!(row.ratio() > 0.0 && row.gflops() > 0.0, "{}", row.name);
        assert!(row.tape_bytes > 0 && row.peak_bytes > row.tape_bytes, "{}", row.name);
        assert_eq!(row.allocations, None, "nothing counts them here");
    }
    // The input twice (it is data), the state three times but for the initial one.
    let one = 2.0 * 4.0 * (4.0 * 5.0);
    assert_eq!(report.rows[1].flops, one * (6.0 * 3.0 * 2.0 + 6.0 * 5.0 * 3.0 - 5.0));
}

#[test]
fn a_table_has_a_row_for_each_program() {
    let layers = sequential().add(gru(3, 4).return_sequences()).add(dense(4, 2));
    let mut report = Bench::new(SHAPE).layer("two layers", layers).seconds(0.0).run();
    report.fma_peak = 1e9;
    let table = report.to_string();
    assert!(table.starts_with("sequences [T 6, B 4, F 3], medians of "), "{table}");
    let lines: Vec<_> = table.lines().collect();
    assert!(lines[3].starts_with("two layers "), "{table}");
    assert_eq!(lines[2].chars().count(), lines[3].chars().count(), "{table}");
    assert!(table.contains("CountingAllocator") && !table.contains("optimization"), "{table}");
    // Products are always compiled for speed, the peak only as the program is.
    report.fma_peak = 1e-9;
    assert!(report.to_string().contains("compiled without full optimization"), "{report}");
}
