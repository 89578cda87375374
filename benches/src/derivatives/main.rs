//! What derivatives cost: each as a ratio to the objective, in runs that alternate in one process.

mod rows;

fn main() {
    rows::report();
}
