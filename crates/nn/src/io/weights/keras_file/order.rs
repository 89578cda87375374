//! Which layer of a Keras model is which layer of the model to be loaded.

use super::layers::Layer;
use crate::messages::{listed, quoted, sizes};
use std::collections::BTreeMap;

/// The weights of a layer to be loaded, by name, and of the layers in it, by index.
#[derive(Default)]
struct Wanted<'a> {
    weights: BTreeMap<String, &'a [usize]>,
    layers: BTreeMap<usize, Wanted<'a>>,
}

/// The names in the model of the weights in the file, `0.kernel` for `lstm.kernel`. `shapes` are
/// those of the model's weights. Nothing is renamed for a model with names of its own.
pub(super) fn names(model: &Layer, shapes: &BTreeMap<String, Vec<usize>>) -> Result<BTreeMap<String, String>, String> {
    let mut wanted = Wanted::default();
    for (name, shape) in shapes {
        let (mut layer, mut rest) = (&mut wanted, &name[..]);
        while let Some((index, after)) = rest.split_once('.')
            && let Ok(index) = index.parse()
        {
            (layer, rest) = (layer.layers.entry(index).or_default(), after);
        }
        layer.weights.insert(rest.to_owned(), shape);
    }
    let mut names = BTreeMap::new();
    if wanted.weights.is_empty() {
        assign(model, &wanted, ["", ""], &mut names)?;
    }
    Ok(names)
}

/// Notes the names of the weights of `layer` and of the layers in it; `prefixes` are those in the
/// file and in the model.
fn assign(
    layer: &Layer,
    wanted: &Wanted<'_>,
    prefixes: [&str; 2],
    names: &mut BTreeMap<String, String>,
) -> Result<(), String> {
    let [in_file, in_model] = prefixes;
    names.extend(layer.weights.keys().map(|name| (format!("{in_file}{name}"), format!("{in_model}{name}"))));
    let mut rest: Vec<&Layer> = layer.layers.iter().filter(|layer| layer.has_weights()).collect();
    let expected = wanted.layers.len();
    if rest.len() != expected {
        let names = listed(rest.iter().map(|layer| quoted(&layer.name)), ", ");
        return Err(format!("has {} layers with weights ({names}), and the model {expected}", rest.len()));
    }
    for (index, wanted) in &wanted.layers {
        let next = next(&rest, wanted, &format!("{in_model}{index}"))?;
        let next = rest.remove(next);
        assign(next, wanted, [&format!("{in_file}{}.", next.name), &format!("{in_model}{index}.")], names)?;
    }
    Ok(())
}

/// Which of the layers that are left is the one at `index`: the layers of a class are in order, but
/// which class comes next shows only if a single one fits.
fn next(rest: &[&Layer], wanted: &Wanted<'_>, index: &str) -> Result<usize, String> {
    let mut firsts: Vec<usize> = (0..rest.len()).collect();
    firsts.dedup_by_key(|&mut i| rest[i].class());
    if let [only] = firsts[..] {
        return Ok(only); // if it does not fit, the error will list how
    }
    let fitting: Vec<usize> = firsts.iter().copied().filter(|&i| fits(rest[i], wanted)).collect();
    let names = |which: &[usize]| listed(which.iter().map(|&i| quoted(&rest[i].name)), ", ");
    let weights = listed(wanted.weights.iter().map(|(name, shape)| format!("{} {}", quoted(name), sizes(shape))), ", ");
    match fitting[..] {
        [only] => Ok(only),
        [] => Err(format!(
            "has no layer that fits layer {index} of the model ({weights}): it could be {}",
            names(&firsts)
        )),
        _ => Err(format!(
            "does not show in which order its layers are, and layer {index} of the model could be each of {}: \
             in Keras, `model.save(\"model.keras\")` writes the order",
            names(&fitting)
        )),
    }
}

/// Whether a layer of the file has the weights that are expected, but for those that a layer can be
/// built without.
fn fits(layer: &Layer, wanted: &Wanted<'_>) -> bool {
    let floats = || layer.weights.iter().filter(|(_, array)| array.is_float());
    let optional = |name: &str| ["bias", "gamma", "beta"].iter().any(|end| name.ends_with(end));
    layer.has_weights()
        && floats().all(|(name, array)| wanted.weights.get(name).is_some_and(|shape| array.info.shape == **shape))
        && wanted.weights.keys().all(|name| layer.weights.contains_key(name) || optional(name))
        && assign(layer, wanted, ["", ""], &mut BTreeMap::new()).is_ok()
}
