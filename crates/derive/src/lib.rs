//! `#[derive(Params)]` and `#[derive(State)]`: see the traits `Params` in `unspool-autograd` and
//! `State` in `unspool-nn`, or `unspool::Params` and `unspool::State`.

#![forbid(unsafe_code)]

mod state;

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use std::collections::HashSet;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{
    Data, DeriveInput, Fields, GenericArgument, GenericParam, Ident, Index, Member, Path, PathArguments, Type,
    parse_quote,
};

/// Derives `Params` for a struct that is generic in its leaf.
///
/// The field types say what each field is:
/// - `P`: a leaf, a parameter tensor. The struct's leaf type parameter is the one named `P`.
/// - `Option<P>`, `Vec<P>`, `[P; N]`: leaves.
/// - another type that mentions `P`, or another type parameter of the struct: a child model.
/// - anything else: configuration, cloned.
///
/// `#[params(skip)]` on a field makes it configuration whatever its type. `#[params(crate = path)]`
/// on the struct names the crate that holds the `Params` trait, where that is not `::unspool`.
#[proc_macro_derive(Params, attributes(params))]
pub fn derive_params(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Derives `State` for a struct that is generic in its leaf, `P`, where `P` is a variable.
///
/// Fields of type `P`, and those of other types that mention it and are states, belong to the
/// state; anything else is configuration and is cloned. `#[params(crate = path)]` names the crate
/// that holds the trait, where that is not `::unspool`.
#[proc_macro_derive(State, attributes(params))]
pub fn derive_state(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    state::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The role of a field in the model.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Leaf,
    /// `Option<P>`
    OptionalLeaf,
    /// `Vec<P>`
    LeafList,
    /// `[P; N]`
    LeafArray,
    Child,
    Configuration,
}

fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "Params can be derived for structs only"));
    };
    let root = crate_path(input)?;
    let parameters: Vec<&Ident> = input.generics.type_params().map(|p| &p.ident).collect();
    let leaf = parameters.iter().copied().find(|p| *p == "P");

    let mut fields = Vec::new();
    for (i, field) in data.fields.iter().enumerate() {
        let member = field.ident.clone().map_or(Member::Unnamed(Index::from(i)), Member::Named);
        let kind = if has_skip(field)? { Kind::Configuration } else { kind_of(&field.ty, &parameters) };
        fields.push((member, &field.ty, kind));
    }
    // A type parameter that names a child model changes with the leaf; one seen only in
    // configuration stays.
    let children: HashSet<&Ident> = fields
        .iter()
        .filter(|(_, _, kind)| *kind == Kind::Child)
        .flat_map(|(_, ty, _)| parameters.iter().copied().filter(|p| Some(*p) != leaf && mentions(ty, &[*p])))
        .collect();

    let name = &input.ident;
    let p = leaf.cloned().unwrap_or_else(|| format_ident!("__P"));
    let mut generics = input.generics.clone();
    if leaf.is_none() {
        generics.params.push(parse_quote!(#p));
    }
    for parameter in generics.type_params_mut() {
        if children.contains(&parameter.ident) {
            parameter.bounds.push(parse_quote!(#root::Params<#p>));
        }
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, type_generics, _) = input.generics.split_for_impl();
    let with = input.generics.params.iter().map(|parameter| match parameter {
        GenericParam::Type(t) if Some(&t.ident) == leaf => quote!(__Q),
        GenericParam::Type(t) if children.contains(&t.ident) => {
            let t = &t.ident;
            quote!(<#t as #root::Params<#p>>::With<__Q>)
        }
        GenericParam::Type(t) => {
            let t = &t.ident;
            quote!(#t)
        }
        GenericParam::Lifetime(l) => {
            let l = &l.lifetime;
            quote!(#l)
        }
        GenericParam::Const(c) => {
            let c = &c.ident;
            quote!(#c)
        }
    });

    let index = quote!(#root::Segment::Index(i));
    let mapped = fields.iter().map(|(member, ty, kind)| {
        let segment = segment(member, &root);
        let value = match kind {
            Kind::Leaf => quote!(f(path.join(#segment), &self.#member)),
            Kind::OptionalLeaf => quote!(self.#member.as_ref().map(|leaf| f(path.join(#segment), leaf))),
            Kind::LeafList => quote! {
                self.#member.iter().enumerate().map(|(i, leaf)| f(path.join(#segment).join(#index), leaf)).collect()
            },
            Kind::LeafArray => quote! {
                ::core::array::from_fn(|i| f(path.join(#segment).join(#index), &self.#member[i]))
            },
            Kind::Child => quote_spanned! {place_of(ty)=>
                #root::Params::<#p>::map_leaves(&self.#member, path.join(#segment), f)
            },
            Kind::Configuration => quote!(::core::clone::Clone::clone(&self.#member)),
        };
        quote!(#member: #value)
    });
    let visits = |reference: TokenStream, method: TokenStream| -> Vec<TokenStream> {
        let visit = |(member, ty, kind): &(Member, &Type, Kind)| {
            let segment = segment(member, &root);
            match kind {
                Kind::Leaf => quote!(f(path.join(#segment), #reference self.#member);),
                Kind::OptionalLeaf => quote! {
                    if let ::core::option::Option::Some(leaf) = #reference self.#member {
                        f(path.join(#segment), leaf);
                    }
                },
                Kind::LeafList | Kind::LeafArray => quote! {
                    for (i, leaf) in (#reference self.#member).into_iter().enumerate() {
                        f(path.join(#segment).join(#index), leaf);
                    }
                },
                Kind::Child => quote_spanned! {place_of(ty)=>
                    #root::Params::<#p>::#method(#reference self.#member, path.join(#segment), f);
                },
                Kind::Configuration => TokenStream::new(),
            }
        };
        fields.iter().map(visit).collect()
    };
    let visited = visits(quote!(&), quote!(visit_leaves));
    let visited_mut = visits(quote!(&mut), quote!(visit_leaves_mut));
    let construct = match data.fields {
        Fields::Unit => quote!(#name),
        _ => quote!(#name { #(#mapped),* }),
    };

    Ok(quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl #impl_generics #root::Params<#p> for #name #type_generics #where_clause {
            type With<__Q> = #name<#(#with),*>;

            fn map_leaves<__Q>(
                &self,
                path: #root::Path<'_>,
                f: &mut dyn ::core::ops::FnMut(#root::Path<'_>, &#p) -> __Q,
            ) -> Self::With<__Q> {
                #construct
            }

            fn visit_leaves<'__a>(
                &'__a self,
                path: #root::Path<'_>,
                f: &mut dyn ::core::ops::FnMut(#root::Path<'_>, &'__a #p),
            ) where #p: '__a {
                #(#visited)*
            }

            fn visit_leaves_mut<'__a>(
                &'__a mut self,
                path: #root::Path<'_>,
                f: &mut dyn ::core::ops::FnMut(#root::Path<'_>, &'__a mut #p),
            ) where #p: '__a {
                #(#visited_mut)*
            }
        }
    })
}

/// The location of a field, so that an error points there if its type is not a model. Names are
/// still resolved where the derive is: a type passed through a macro would not see `self`.
fn place_of(ty: &Type) -> Span {
    Span::call_site().located_at(ty.span())
}

/// The path segment of a field, for the leaf's dotted name.
fn segment(member: &Member, root: &Path) -> TokenStream {
    match member {
        Member::Named(name) => {
            let name = name.to_string();
            let name = name.trim_start_matches("r#");
            quote!(#root::Segment::Field(#name))
        }
        Member::Unnamed(index) => {
            let index = index.index as usize;
            quote!(#root::Segment::Index(#index))
        }
    }
}

fn kind_of(ty: &Type, parameters: &[&Ident]) -> Kind {
    // A type that is passed through a macro comes in a group.
    let bare = |ty: &Type| -> Type {
        match ty {
            Type::Group(group) => (*group.elem).clone(),
            Type::Paren(paren) => (*paren.elem).clone(),
            _ => ty.clone(),
        }
    };
    let ty = &bare(ty);
    let is_leaf = |ty: &Type| matches!(bare(ty), Type::Path(path) if path.path.is_ident("P"));
    if !mentions(ty, parameters) {
        return Kind::Configuration;
    }
    match ty {
        ty if is_leaf(ty) => Kind::Leaf,
        Type::Array(array) if is_leaf(&array.elem) => Kind::LeafArray,
        Type::Path(path) => {
            let last = path.path.segments.last().expect("a path has a segment");
            let of_leaf = matches!(&last.arguments, PathArguments::AngleBracketed(of)
                if matches!(of.args.first(), Some(GenericArgument::Type(ty)) if of.args.len() == 1 && is_leaf(ty)));
            match last.ident.to_string().as_str() {
                "Option" if of_leaf => Kind::OptionalLeaf,
                "Vec" if of_leaf => Kind::LeafList,
                _ => Kind::Child,
            }
        }
        _ => Kind::Child,
    }
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

/// `#[params(skip)]` on a field.
fn has_skip(field: &syn::Field) -> syn::Result<bool> {
    let mut skip = false;
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("params")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("skip") {
                skip = true;
                Ok(())
            } else {
                Err(meta.error("expected `skip`"))
            }
        })?;
    }
    Ok(skip)
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
