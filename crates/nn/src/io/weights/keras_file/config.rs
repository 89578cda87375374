//! The order of the layers, which a `.keras` file has in its config.json.

use super::hdf5::Array;
use super::layers::Layer;
use crate::messages::quoted;
use serde_json::Value;
use std::collections::BTreeMap;

impl Layer {
    /// Names the layers of a model by their indices, which its configuration shows; a model of a
    /// class of its own has none.
    pub fn arrange(&mut self, config: &Value) -> Result<(), String> {
        let Some(configs) = config["config"]["layers"].as_array() else { return Ok(()) };
        let mut layers: BTreeMap<String, Layer> =
            self.layers.drain(..).map(|layer| (layer.name.clone(), layer)).collect();
        let (mut counts, mut index) = (BTreeMap::new(), 0);
        for config in configs {
            let [module, class] = ["module", "class_name"].map(|key| config[key].as_str().unwrap_or_default());
            if module.starts_with("keras.src.ops.") {
                continue; // `keras.ops.add`, which is not a layer
            }
            let class = snake_case(class);
            let count = counts.entry(class.clone()).or_insert(0);
            let name = if *count == 0 { class } else { format!("{class}_{count}") };
            *count += 1;
            if let Some(mut layer) = layers.remove(&name) {
                layer.configure(config)?;
                layer.name = index.to_string();
                self.layers.push(layer);
            }
            index += i32::from(config["class_name"] != "InputLayer");
        }
        self.ordered = true;
        match layers.values().find(|layer| layer.has_weights()) {
            Some(layer) => Err(format!("config.json does not have the layer {}", quoted(&layer.name))),
            None => Ok(()),
        }
    }

    /// Names the weights that only the configuration tells apart, and adds those that it implies.
    fn configure(&mut self, config: &Value) -> Result<(), String> {
        let options = &config["config"];
        match config["class_name"].as_str() {
            Some("LayerNormalization") => {
                let name = if options["scale"] == Value::Bool(false) { "beta" } else { "gamma" };
                if let Some(only) = self.weights.remove("variable 0") {
                    self.weights.insert(name.to_owned(), only);
                }
            }
            Some("GRU") => self.add_bias("", options),
            Some("Bidirectional") if options["layer"]["class_name"] == "GRU" => {
                self.add_bias("", &options["layer"]["config"]);
                self.add_bias("backward.", &options["layer"]["config"]);
            }
            _ => self.arrange(config)?,
        }
        Ok(())
    }

    /// The bias of a GRU built without: zeros, whose shape says whether it resets before or after
    /// the product.
    fn add_bias(&mut self, prefix: &str, options: &Value) {
        let kernel = self.weights.get(&format!("{prefix}kernel"));
        if options["use_bias"] == Value::Bool(false)
            && let Some(&[_, gates]) = kernel.map(|kernel| &kernel.info.shape[..])
        {
            let dtype = kernel.expect("it has a shape").info.dtype;
            let after = options["reset_after"] != Value::Bool(false);
            let shape = if after { vec![2, gates] } else { vec![gates] };
            self.weights.entry(format!("{prefix}bias")).or_insert(Array::zeros(dtype, shape));
        }
    }
}

/// Keras's name for a layer of this class: `simple_rnn` for `SimpleRNN`.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut name = String::new();
    for (i, &c) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(i + 1);
        let begins_word = before.is_some_and(|before| before.is_ascii_lowercase())
            || before.is_some() && after.is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase() && begins_word {
            name.push('_');
        }
        name.extend(c.to_lowercase());
    }
    name
}
