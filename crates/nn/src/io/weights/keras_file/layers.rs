//! The layers of a Keras model as its file has them: a tree of groups, with the names of classes
//! and the numbers of weights.

use super::hdf5::Array;
use crate::messages::{quoted, shortened};
use hdf5_reader::group::Group;
use std::collections::BTreeMap;

/// A layer or a model, with its weights under the names that `KerasState` has.
#[derive(Default)]
pub(super) struct Layer {
    /// Keras's name for the class with a number, `lstm`, `lstm_1`; in an ordered model, the index.
    pub name: String,
    pub weights: BTreeMap<String, Array>,
    pub layers: Vec<Layer>,
    /// Whether it is a model whose layers have their indices as names: the groups of a file have no order.
    pub ordered: bool,
}

/// The name of the group of layers until Keras 3.
const OLD_LAYERS: &str = "_layer_checkpoint_dependencies";

/// Reads layers from groups.
pub(super) struct Reader {
    /// The bytes of the file, which no array exceeds.
    pub file_size: u64,
    /// How many more groups and arrays are read: a group can be in many others, and in itself.
    pub left: usize,
}

impl Reader {
    /// Reads a group and those in it, which may be `depth` deep.
    pub fn layer(&mut self, group: &Group, depth: usize) -> Result<Layer, String> {
        let mut layer = Layer { name: self.name(group)?, ..Layer::default() };
        self.collect(&mut layer, group, "", false, depth)?;
        layer.layers.sort_by_cached_key(|layer| (layer.class().to_owned(), layer.number())); // `lstm_2` before `lstm_10`
        Ok(layer)
    }

    /// Collects the weights in `group`, a part of the layer, with names that begin with `prefix`.
    fn collect(
        &mut self,
        layer: &mut Layer,
        group: &Group,
        prefix: &str,
        is_cell: bool,
        depth: usize,
    ) -> Result<(), String> {
        let depth = depth.checked_sub(1).ok_or("its groups are too deep in each other")?;
        for group in group.groups().map_err(shortened)? {
            self.count()?;
            match group.name() {
                "vars" => self.variables(layer, &group, prefix, is_cell)?,
                "cell" => self.collect(layer, &group, prefix, true, depth)?,
                "forward_layer" | "layer" => self.collect(layer, &group, prefix, is_cell, depth)?,
                "backward_layer" => self.collect(layer, &group, &format!("{prefix}backward."), is_cell, depth)?,
                "layers" | OLD_LAYERS => layer.layers.extend(self.layer(&group, depth)?.layers),
                _ => layer.layers.push(self.layer(&group, depth)?),
            }
        }
        Ok(())
    }

    /// The weights of a group of variables, which are numbered in the order in which the layer
    /// makes them.
    fn variables(&mut self, layer: &mut Layer, group: &Group, prefix: &str, is_cell: bool) -> Result<(), String> {
        let mut arrays = BTreeMap::new();
        for dataset in group.datasets().map_err(shortened)? {
            self.count()?;
            let name = dataset.name().to_owned();
            let array = Array::new(dataset, self.file_size)
                .map_err(|problem| format!("in variable {} of {}, {problem}", quoted(&name), quoted(&layer.name)))?;
            let number: usize = name.parse().map_err(|_| format!("a variable has the name {}", quoted(&name)))?;
            arrays.insert(number, array);
        }
        let ranks: Vec<usize> = arrays.values().map(|array| array.info.shape.len()).collect();
        let names: &[&str] = match (layer.class(), &ranks[..]) {
            _ if is_cell => &["kernel", "recurrent_kernel", "bias"],
            ("embedding", [2]) => &["embeddings"],
            ("layer_normalization", [1, 1]) => &["gamma", "beta"],
            (_, [2] | [2, 1]) => &["kernel", "bias"],
            _ => &[],
        };
        for (number, array) in arrays {
            let name = names.get(number).map_or_else(|| format!("variable {number}"), |name| (*name).to_owned());
            if layer.weights.insert(format!("{prefix}{name}"), array).is_some() {
                return Err(format!("{} has two weights of the name {}", quoted(&layer.name), quoted(&name)));
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), String> {
        self.left = self.left.checked_sub(1).ok_or("it has too many groups and arrays")?;
        Ok(())
    }

    /// The name of a group, that of a class or an attribute, which is not long.
    fn name(&self, group: &Group) -> Result<String, String> {
        match group.name() {
            name if name.len() <= 100 => Ok(name.to_owned()),
            name => Err(format!("a group has the name {}", quoted(name))),
        }
    }
}

impl Layer {
    /// The name of the class.
    pub fn class(&self) -> &str {
        match self.name.rsplit_once('_') {
            Some((class, number)) if number.parse::<u64>().is_ok() => class,
            _ => &self.name,
        }
    }

    fn number(&self) -> u64 {
        self.name.rsplit_once('_').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
    }

    /// Whether there is any weight in the layer; the state of a random generator is none.
    pub fn has_weights(&self) -> bool {
        self.weights.values().any(Array::is_float) || self.layers.iter().any(Layer::has_weights)
    }

    /// All arrays, by names that begin with those of their layers: `lstm_1.kernel`.
    pub fn arrays(&self) -> BTreeMap<String, Array> {
        let mut arrays = BTreeMap::new();
        self.put_arrays("", &mut arrays);
        arrays
    }

    fn put_arrays(&self, prefix: &str, arrays: &mut BTreeMap<String, Array>) {
        arrays.extend(self.weights.iter().map(|(name, array)| (format!("{prefix}{name}"), array.clone())));
        for layer in &self.layers {
            layer.put_arrays(&format!("{prefix}{}.", layer.name), arrays);
        }
    }
}
