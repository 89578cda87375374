//! Tensors and indices from nested arrays, vectors of vectors and the arrays of `ndarray`.

use super::sentence;
use ndarray::{Array0, Array1, Array2, Array3, ArrayD, Axis, IxDyn, array, s};
use unspool::tensor::ConversionError;
use unspool::{Indices, Tensor};
use unspool_tests::{sentences, values};

#[test]
fn arrays_are_tensors_of_as_many_axes() {
    let count = |shape: &[usize]| Tensor::<f32>::from_fn(shape, |i| i as f32);
    assert_eq!(Tensor::from([0.0, 1.0, 2.0]), count(&[3]));
    assert_eq!(Tensor::from([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]), count(&[2, 3]));
    assert_eq!(Tensor::from([[[0.0], [1.0], [2.0]], [[3.0], [4.0], [5.0]]]), count(&[2, 3, 1]));
    assert_eq!(Tensor::from([[[[0.0, 1.0]], [[2.0, 3.0]], [[4.0, 5.0]]]]), count(&[1, 3, 1, 2]));
    assert_eq!(Tensor::from(vec![0.0, 1.0, 2.0]), count(&[3]));
    assert_eq!(Tensor::from([[0.0; 0]; 3]), count(&[3, 0]));
    assert_eq!(Tensor::from(Vec::new()), count(&[0]));
    // Without another type, they are of f64; `Tensor` alone names those of f32.
    let _: Vec<f64> = Tensor::from([[1.0, 2.0]]).to_vec();
    let x: Tensor = [[1.0, 2.0]].into();
    assert_eq!(x.to_vec(), [1f32, 2.0]);
}

#[test]
fn vectors_of_rows_are_tensors_if_all_have_one_length() -> Result<(), ConversionError> {
    let rows = vec![vec![0.0, 1.0, 2.0], vec![3.0, 4.0, 5.0]];
    assert_eq!(Tensor::try_from(&rows[..])?, Tensor::<f64>::from_fn([2, 3], |i| i as f64));
    let matrices = vec![rows.clone(), rows.clone()];
    assert_eq!(Tensor::try_from(&matrices[..])?.shape()[..], [2, 2, 3]);
    assert_eq!(Tensor::try_from(matrices)?.to_vec()[6..], rows.concat());
    assert_eq!(Tensor::<f32>::try_from(Vec::<Vec<f32>>::new())?.shape()[..], [0, 0]);
    assert_eq!(Tensor::<f32>::try_from(vec![Vec::<f32>::new(); 2])?.shape()[..], [2, 0]);
    assert_eq!(Tensor::<f32>::try_from(vec![Vec::<Vec<f32>>::new(); 2])?.shape()[..], [2, 0, 0]);

    let ragged = |rows: Vec<Vec<f32>>| sentence(Tensor::try_from(rows));
    assert_eq!(ragged(vec![vec![1.0; 3], vec![1.0; 3], vec![1.0]]), "the length of row 2 is 1, expected 3 as in row 0");
    assert_eq!(ragged(vec![vec![], vec![1.0]]), "the length of row 1 is 1, expected 0 as in row 0");
    let ragged = |matrices: Vec<Vec<Vec<f32>>>| sentence(Tensor::try_from(matrices));
    let [two, three] = [2, 3].map(|n| vec![1.0; n]);
    assert_eq!(
        ragged(vec![vec![two.clone(); 2], vec![two.clone(), three.clone()]]),
        "the length of row 1 of matrix 1 is 3, expected 2 as in row 0 of matrix 0"
    );
    assert_eq!(
        ragged(vec![vec![two.clone(), three.clone()]]),
        "the length of row 1 of matrix 0 is 3, expected 2 as in row 0 of matrix 0"
    );
    assert_eq!(
        ragged(vec![vec![two.clone(); 2], vec![two.clone(); 3]]),
        "the number of rows of matrix 1 is 3, expected 2 as in matrix 0"
    );
    Ok(())
}

#[test]
fn indices_come_from_nested_integers_of_any_type() -> Result<(), ConversionError> {
    let rows = Indices::from_vec(vec![4, 0, 2, 1, 3, 5], [2, 3]);
    assert_eq!(Indices::from([[4, 0, 2], [1, 3, 5]]), rows);
    assert_eq!(Indices::from([[4_usize, 0, 2], [1, 3, 5]]), rows);
    assert_eq!(Indices::from([[[4_u8], [0], [2]], [[1], [3], [5]]]), rows.reshape([2, 3, 1]));
    assert_eq!(Indices::try_from(vec![vec![4_i64, 0, 2], vec![1, 3, 5]])?, rows);
    assert_eq!(Indices::try_from(&[vec![4_usize, 0, 2], vec![1, 3, 5]][..])?, rows);
    assert_eq!(Indices::try_from(Vec::<Vec<u32>>::new())?.shape()[..], [0, 0]);
    let refused = |rows: Vec<Vec<i32>>| sentence(Indices::try_from(rows));
    assert_eq!(refused(vec![vec![1, 2], vec![3]]), "the length of row 1 is 1, expected 2 as in row 0");
    assert_eq!(
        refused(vec![vec![1, 2, 3], vec![3, 4, -5]]),
        "number 2 of row 1 is -5, which is no position: they are counted from 0"
    );
    Ok(())
}

#[test]
fn arrays_of_ndarray_are_copied_in_any_order_of_memory() -> Result<(), ConversionError> {
    let x = values([2, 3, 4], 1);
    let array = ArrayD::from(&x);
    assert_eq!((array.shape(), array.as_slice().unwrap()), (&[2, 3, 4][..], x.as_slice().unwrap()));
    assert_eq!(Tensor::from(&array), x);
    assert_eq!(Array3::try_from(&x)?, Array3::from_shape_fn([2, 3, 4], |(i, j, k)| x.at([i, j, k])));

    // Transposed, sliced, reversed, and with an axis of stride 0.
    let array = Array3::try_from(&x)?;
    let transposed = array.view().permuted_axes([2, 0, 1]);
    assert_eq!(Tensor::from(&transposed), x.permute(&[2, 0, 1]));
    assert_eq!(ArrayD::from(&x.permute(&[2, 0, 1])), transposed.into_dyn());
    assert_eq!(Tensor::from(&array.slice(s![.., 1..;2, 1..3])), x.slice(1, 1..2).slice(2, 1..3));
    assert_eq!(Tensor::from(&array.slice(s![..;-1, .., ..])), x.flip(0));
    let expanded = Tensor::from(&array.index_axis(Axis(0), 1).broadcast([5, 3, 4]).unwrap());
    assert_eq!(expanded, x.slice(0, 1..2).expand([5, 3, 4]));

    assert_eq!(Tensor::from(&Array0::from_elem((), 0.5)), Tensor::scalar(0.5));
    assert_eq!(Array0::try_from(&Tensor::scalar(0.5))?.into_scalar(), 0.5);
    assert_eq!(Tensor::from(&array![1f32, 2.0]), Tensor::from([1.0, 2.0]));
    assert_eq!(Array2::try_from(&Tensor::<f32>::zeros([0, 3]))?.dim(), (0, 3));
    assert_eq!(Tensor::from(&Array2::<f32>::zeros([0, 3])), Tensor::zeros([0, 3]));
    let error = sentence(Array1::try_from(&x));
    assert_eq!(error, "a tensor of shape [2, 3, 4] has 3 axes, expected 1");
    Ok(())
}

#[test]
fn mistakes_point_to_the_conversion() {
    let seven = ArrayD::<f32>::zeros(IxDyn(&[1; 7]));
    sentences! {
        Tensor::from(&seven) => "Tensor: an array of shape [1, 1, 1, 1, 1, 1, 1] has 7 axes, and a tensor at most 6";
        Indices::from([[1, 2], [3, -4]]) => "Indices: number 3 is -4, which is no position: they are counted from 0";
    }
}
