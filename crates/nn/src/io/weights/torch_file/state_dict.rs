//! The tensors that the pickle of `torch.save` describes, by name.

use super::pickle::{Id, Pickle, Value};
use crate::messages::quoted;
use safetensors::Dtype;
use std::collections::BTreeMap;

/// A tensor as `torch.save` describes it: some of the elements of a storage.
pub(super) struct Described<'a> {
    pub dtype: Dtype,
    /// The name of the storage.
    pub storage: &'a str,
    /// All are in elements.
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// Tensors in dictionaries: `{"model": {"weight": tensor}}` has `model.weight`.
pub(super) struct StateDicts<'a> {
    pub tensors: BTreeMap<String, Described<'a>>,
    /// The prefix of each dictionary that holds tensors.
    pub prefixes: Vec<String>,
}

/// How deep in dictionaries tensors are looked for.
const MAX_DEPTH: usize = 4;

impl<'a> StateDicts<'a> {
    pub fn read(pickle: &Pickle<'a>, size: usize) -> Result<StateDicts<'a>, String> {
        let mut found = StateDicts { tensors: BTreeMap::new(), prefixes: Vec::new() };
        let mut budget = size;
        found.collect(pickle, pickle.root, "", MAX_DEPTH, &mut budget)?;
        if found.tensors.is_empty() {
            return Err("it holds no dictionary of tensors".to_owned());
        }
        Ok(found)
    }

    /// Collects the tensors of the dictionary `id`. The bytes of all names that are looked at may
    /// be `budget`, as many as the pickle has: dictionaries can be the same ones, any number of
    /// times, or contain themselves.
    fn collect(
        &mut self,
        pickle: &Pickle<'a>,
        id: Id,
        prefix: &str,
        depth: usize,
        budget: &mut usize,
    ) -> Result<(), String> {
        let Some(entries) = dict(pickle, id) else { return Ok(()) };
        let mut holds_tensors = false;
        for &(key, value) in entries {
            let Value::Text(key) = *pickle.get(key) else { continue }; // such as an optimizer's indices
            let name = if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
            *budget = budget.checked_sub(name.len() + 1).ok_or("its dictionaries repeat each other")?;
            match described(pickle, value, 1).map_err(|problem| format!("in {}, {problem}", quoted(&name)))? {
                Some(tensor) => {
                    holds_tensors = true;
                    if self.tensors.insert(name.clone(), tensor).is_some() {
                        return Err(format!("the name {} appears twice", quoted(&name)));
                    }
                }
                None if depth > 1 => self.collect(pickle, value, &name, depth - 1, budget)?,
                None => {}
            }
        }
        if holds_tensors {
            self.prefixes.push(prefix.to_owned());
        }
        Ok(())
    }
}

/// Which functions and classes a pickle may name: those of state dicts, of PyTorch's own settings
/// and of Python's collections, as with `torch.load(.., weights_only=True)`. None of them is
/// called.
pub(super) fn allowed(module: &str, name: &str) -> Result<(), String> {
    let known = match module {
        "collections" => matches!(name, "OrderedDict" | "defaultdict" | "Counter"),
        "builtins" | "__builtin__" => {
            matches!(name, "set" | "frozenset" | "bytearray" | "complex" | "dict" | "int" | "float" | "list")
        }
        "_codecs" => name == "encode", // how protocol 2 writes bytes
        "torch" => matches!(name, "Size" | "device" | "Tensor") || name.ends_with("Storage") || DTYPES.contains(&name),
        "torch.storage" => matches!(name, "UntypedStorage" | "TypedStorage"),
        "torch._utils" => {
            matches!(
                name,
                "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_parameter" | "_rebuild_parameter_with_state"
            )
        }
        "torch.nn.parameter" => name == "Parameter",
        _ => false,
    };
    if known {
        return Ok(());
    }
    let object = quoted(&format!("{module}.{name}"));
    Err(match module {
        _ if module.starts_with("__torch__") => format!(
            "is TorchScript, whose weights are in {object}: in Python, \
             `torch.save(torch.jit.load(path).state_dict(), \"weights.pt\")`"
        ),
        _ => format!(
            "names {object}, which no state dict needs and only Python can make: nothing was executed; save the weights \
             alone, `torch.save(model.state_dict(), \"weights.pt\")`"
        ),
    })
}

const DTYPES: [&str; 15] = [
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "bool",
    "half",
    "float",
    "double",
];

/// The entries of a dictionary or an `OrderedDict`.
fn dict<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<&'p [(Id, Id)]> {
    match pickle.get(id) {
        Value::Dict(entries) => Some(entries),
        Value::Call(callable, _, entries) => match pickle.get(*callable) {
            Value::Global("collections", "OrderedDict") => Some(entries),
            _ => None,
        },
        _ => None,
    }
}

/// The tensor that a call would make, if it would make one; a parameter is made from a tensor.
fn described<'a>(pickle: &Pickle<'a>, id: Id, parameters: usize) -> Result<Option<Described<'a>>, String> {
    let Value::Call(callable, arguments, _) = *pickle.get(id) else { return Ok(None) };
    let (Value::Global("torch._utils", function), Value::Tuple(arguments)) =
        (pickle.get(callable), pickle.get(arguments))
    else {
        return Ok(None);
    };
    match (*function, &arguments[..]) {
        ("_rebuild_parameter" | "_rebuild_parameter_with_state", [data, ..]) if parameters > 0 => {
            described(pickle, *data, parameters - 1)
        }
        ("_rebuild_tensor" | "_rebuild_tensor_v2", [storage, offset, shape, strides, ..]) => {
            let (dtype, storage) = described_storage(pickle, *storage)?;
            let offset = size(pickle, *offset).ok_or("the offset is not a size")?;
            let shape = sizes(pickle, *shape).ok_or("the shape is not a tuple of sizes")?;
            let strides = sizes(pickle, *strides).ok_or("the strides are not a tuple of sizes")?;
            if shape.len() != strides.len() {
                return Err(format!("{} axes have {} strides", shape.len(), strides.len()));
            }
            Ok(Some(Described { dtype, storage, offset, shape, strides }))
        }
        _ => Err("the tensor is not described as `torch.save` does".to_owned()),
    }
}

/// The element type and the name of a storage.
fn described_storage<'a>(pickle: &Pickle<'a>, id: Id) -> Result<(Dtype, &'a str), String> {
    let unknown = || "the storage is not described as `torch.save` does".to_owned();
    let Value::Persistent(id) = *pickle.get(id) else { return Err(unknown()) };
    let Value::Tuple(parts) = pickle.get(id) else { return Err(unknown()) };
    let [kind, class, name, ..] = parts[..] else { return Err(unknown()) };
    let (Value::Text("storage"), &Value::Global(_, class), &Value::Text(name)) =
        (pickle.get(kind), pickle.get(class), pickle.get(name))
    else {
        return Err(unknown());
    };
    let dtype = match class {
        "FloatStorage" => Dtype::F32,
        "DoubleStorage" => Dtype::F64,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::BF16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::BOOL,
        "ComplexFloatStorage" => Dtype::C64,
        other => return Err(format!("the elements are those of {}, which is not supported", quoted(other))),
    };
    Ok((dtype, name))
}

fn size(pickle: &Pickle<'_>, id: Id) -> Option<usize> {
    match *pickle.get(id) {
        Value::Int(int) => int.try_into().ok(),
        _ => None,
    }
}

/// A tuple of sizes.
fn sizes(pickle: &Pickle<'_>, id: Id) -> Option<Vec<usize>> {
    match pickle.get(id) {
        Value::Tuple(items) => items.iter().map(|&item| size(pickle, item)).collect(),
        _ => None,
    }
}
