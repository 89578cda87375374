//! `#[derive(State)]`.

use crate::{crate_path, mentions};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Fields, Index, Member};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "State can be derived for structs only"));
    };
    let leaf = format_ident!("P");
    let is_generic_in_leaf_alone =
        input.generics.params.len() == 1 && input.generics.type_params().any(|p| p.ident == leaf);
    if !is_generic_in_leaf_alone {
        let sentence =
            "State can be derived for a struct with one parameter, its leaf `P`: `struct CellState<P> { h: P, .. }`";
        return Err(syn::Error::new_spanned(&input.ident, sentence));
    }
    let root = crate_path(input)?;
    let name = &input.ident;
    // Field by field: `field_of` one that belongs to the state, and a clone of one that is configuration.
    let build = |field_of: &dyn Fn(&Member) -> TokenStream, whole: &TokenStream| {
        let fields = data.fields.iter().enumerate().map(|(i, field)| {
            let member = field.ident.clone().map_or(Member::Unnamed(Index::from(i)), Member::Named);
            let value = if mentions(&field.ty, &[&leaf]) {
                field_of(&member)
            } else {
                quote!(::core::clone::Clone::clone(&#whole.#member))
            };
            (member, value)
        });
        let fields = fields.map(|(member, value)| quote!(#member: #value));
        match data.fields {
            Fields::Unit => quote!(#name),
            _ => quote!(#name { #(#fields),* }),
        }
    };
    let detached = build(&|member| quote!(#root::State::detached(&self.#member)), &quote!(self));
    let attach = build(&|member| quote!(#root::State::attach(tape, &detached.#member)), &quote!(detached));
    let join = build(&|member| quote!(#root::join_fields(states, |state| &state.#member, f)), &quote!(states[0]));
    let attach_with = build(&|member| quote!(#root::DetachedState::attach_with(&self.#member, f)), &quote!(self));
    let detach_with =
        build(&|member| quote!(#root::DetachedState::detach_with(&attached.#member, f)), &quote!(attached));
    let visits = data.fields.iter().enumerate().filter(|(_, field)| mentions(&field.ty, &[&leaf])).map(|(i, field)| {
        let member = field.ident.clone().map_or(Member::Unnamed(Index::from(i)), Member::Named);
        quote!(#root::State::visit(&self.#member, f);)
    });

    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl<'__t, __T: #root::Scalar> #root::State<'__t, __T> for #name<#root::Var<'__t, __T>> {
            type Detached = #name<#root::Tensor<__T>>;

            fn detached(&self) -> Self::Detached {
                #detached
            }

            fn attach(tape: &'__t #root::Tape<__T>, detached: &Self::Detached) -> Self {
                #attach
            }

            #[track_caller]
            fn join(
                states: &[Self],
                f: &mut dyn ::core::ops::FnMut(&[#root::Var<'__t, __T>]) -> #root::Var<'__t, __T>,
            ) -> Self {
                #join
            }

            fn visit(&self, f: &mut dyn ::core::ops::FnMut(#root::Var<'__t, __T>)) {
                #(#visits)*
            }
        }

        #[automatically_derived]
        #[allow(unused_variables)]
        impl<__N: #root::Scalar> #root::DetachedState for #name<#root::Tensor<__N>> {
            type Number = __N;
            type Attached<'__t, __T: #root::Scalar> = #name<#root::Var<'__t, __T>>;

            fn attach_with<'__t, __T: #root::Scalar>(
                &self,
                f: &mut dyn ::core::ops::FnMut(&#root::Tensor<__N>) -> #root::Var<'__t, __T>,
            ) -> Self::Attached<'__t, __T> {
                #attach_with
            }

            fn detach_with<'__t, __T: #root::Scalar>(
                attached: &Self::Attached<'__t, __T>,
                f: &mut dyn ::core::ops::FnMut(#root::Var<'__t, __T>) -> #root::Tensor<__N>,
            ) -> Self {
                #detach_with
            }
        }
    })
}
