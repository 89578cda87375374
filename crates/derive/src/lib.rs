//! `#[derive(Params)]` and `#[derive(State)]`: see the traits `Params` in `unspool-autograd` and
//! `State` in `unspool-nn`, or `unspool::Params` and `unspool::State`.

#![forbid(unsafe_code)]

mod params;
mod state;

use syn::visit::Visit;
use syn::{DeriveInput, Ident, Path, Type, parse_quote};

/// The derive macro of the trait `Params`. Its example is where it is re-exported, in `unspool`.
///
/// The type of a field decides its role:
/// - `P`: a leaf, a parameter tensor. The struct's leaf type parameter is the one named `P`.
/// - `Option<P>`, `Vec<P>`, `[P; N]`: leaves.
/// - another type that mentions `P`, or another type parameter of the struct: a child model.
/// - anything else: configuration, cloned.
///
/// `#[params(skip)]` on a field makes it configuration whatever its type. `#[params(buffer)]` makes
/// its leaves buffers: saved and loaded with the model, and not trained. `#[params(crate = path)]`
/// on the struct names the crate that holds the `Params` trait, where that is not `::unspool`.
#[proc_macro_derive(Params, attributes(params))]
pub fn derive_params(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    params::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The derive macro of the trait `State`. Its example is where it is re-exported, in `unspool`.
///
/// Fields of type `P`, and those of other types that mention it and are states, belong to the
/// state; anything else is configuration and is cloned. The same struct of tensors becomes a
/// `DetachedState`, so a field whose type implements `State` by hand implements both traits.
/// `#[params(crate = path)]` names the crate that holds the traits, where that is not `::unspool`.
#[proc_macro_derive(State, attributes(params))]
pub fn derive_state(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    state::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Whether `ty` mentions one of the type parameters.
fn mentions(ty: &Type, parameters: &[&Ident]) -> bool {
    struct Finder<'a> {
        parameters: &'a [&'a Ident],
        found: bool,
    }
    impl<'ast> Visit<'ast> for Finder<'_> {
        fn visit_ident(&mut self, ident: &'ast Ident) {
            self.found |= self.parameters.contains(&ident);
        }
    }
    let mut finder = Finder { parameters, found: false };
    finder.visit_type(ty);
    finder.found
}

/// `#[params(crate = path)]` on the struct, or `::unspool`.
fn crate_path(input: &DeriveInput) -> syn::Result<Path> {
    let mut path = parse_quote!(::unspool);
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("params")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                path = meta.value()?.parse()?;
                Ok(())
            } else {
                Err(meta.error("expected `crate = path`"))
            }
        })?;
    }
    Ok(path)
}
