//! The workloads in burn on its backend over ndarray.

mod work;

fn main() {
    #[allow(deprecated)]
    work::run("burn 0.22, ndarray", burn::tensor::Device::ndarray());
}
