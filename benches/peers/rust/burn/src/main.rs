//! The workloads in burn on its own backend for the CPU, `flex`.

mod work;

fn main() {
    work::run("burn 0.22, flex", burn::tensor::Device::flex());
}
